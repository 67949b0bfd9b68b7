"""Writes the PyTorch fixtures of NetworksTests and TrainingTests, next to this file.

    python3 Tests/Fixtures/make_pytorch_fixtures.py          about ten minutes on two cores

Written with PyTorch 2.13.0 (CPU). Each file holds what PyTorch computes in float64 for a network whose parameters
and images both sides draw from `RandomStream` (Philox 4x32-10), so no tensor is stored:

    parameter t (position in the state dict): offset + scale * (2 u_i - 1), u from stream (7; test, t), rounded to float32
    images: scale * (2 u_i - 1) in NHWC order, stream (7; test, imageStream); labels: word_i mod 10, stream (7; test, labelStream)
    signs of the dot products j = 0, 1 with parameter t's gradient: the top bit of word_i of stream (7; test, 500000 + t, j)

m samples of n elements stand at the flat positions ((2 j + 1) n) div 2 m, j < m; gradients are flat in OIHW order.

A float32 network puts a pre-activation that is almost 0 on the other side of its ReLU now and then, and one such flip
changes gradients by 1e-3. So of many image batches the script takes the one whose smallest |pre-activation| is largest;
and the 20 steps go at a small rate: at 0.01, losses of ResNet-20 in float32 and in float64 part by 4e-3, at 0.0005 by 7e-5.
"""

import copy
import json
import math
import pathlib

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SEED = 7
TEST_PURPOSE = 5
IMAGE_SCALE = np.float32(1.5)
TEMPERATURE = 0.1
CLASSES = 10


def philox(counter, key):
    """Ten rounds of Philox 4x32 (Salmon et al., SC 2011) on four arrays of counter words."""
    c = [np.asarray(word, dtype=np.uint64) for word in counter]
    k = [int(word) for word in key]
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        first, second = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [
            (second >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]), second & low,
            (first >> np.uint64(32)) ^ c[3] ^ np.uint64(k[1]), first & low,
        ]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def check_known_answers():
    """The vectors of Random123's kat_vectors for philox4x32, 10 rounds."""
    ones = 0xFFFFFFFF
    for counter, key, expected in [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((ones,) * 4, (ones,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0),
         (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ]:
        assert tuple(int(word) for word in philox(counter, key)) == expected


def words(count, major, minor=0):
    """The first `count` words of RandomStream(seed: 7, purpose: .test, major, minor)."""
    block = np.arange((count + 3) // 4, dtype=np.uint64)
    high = np.full_like(block, (major << 4 | TEST_PURPOSE) & 0xFFFFFFFF)
    counter = (block & np.uint64(0xFFFFFFFF), block >> np.uint64(32), high, np.full_like(block, minor))
    return np.stack(philox(counter, (SEED, 0)), axis=1).reshape(-1)[:count]


def values(count, major, scale, offset=0.0):
    """offset + scale * (2 u - 1), each operation rounded to float32."""
    uniform = (words(count, major) >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)
    return np.float32(offset) + np.float32(scale) * (np.float32(2) * uniform - np.float32(1))


def batch(image_stream, label_stream, count):
    images = values(count * 32 * 32 * 3, image_stream, IMAGE_SCALE).reshape(count, 32, 32, 3)
    labels = (words(count, label_stream) % np.uint64(CLASSES)).astype(np.int64)
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), torch.from_numpy(labels)


class BasicBlock(nn.Module):
    def __init__(self, channels, width, stride, option):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.padding = None
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != width:
            if option == "A":
                self.padding = (width - channels) // 2
            else:
                self.shortcut = nn.Sequential(
                    nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x, relu):
        y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        if self.padding is None:
            return relu(y + self.shortcut(x))
        return relu(y + F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padding, self.padding)))


class ResNet(nn.Module):
    """resnet18_32x32 of OpenOOD (option B, `fc`), or akamaster's CIFAR ResNets (option A, `linear`)."""

    def __init__(self, widths, blocks, option, head):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.stages, channels = [], widths[0]
        for level, width in enumerate(widths, start=1):
            stage = nn.ModuleList()
            for block in range(blocks):
                stage.append(BasicBlock(channels, width, 2 if level > 1 and block == 0 else 1, option))
                channels = width
            setattr(self, f"layer{level}", stage)
        self.levels, self.head = len(widths), head
        setattr(self, head, nn.Linear(channels, CLASSES))
        self.smallest = math.inf

    def relu(self, x):
        if self.training:
            margin = (x.detach().abs().min() / x.detach().square().mean().sqrt()).item()
            self.smallest = min(self.smallest, margin)
        return F.relu(x)

    def features(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        for level in range(1, self.levels + 1):
            for block in getattr(self, f"layer{level}"):
                x = block(x, self.relu)
        return x.mean(dim=(2, 3))

    def logits(self, features, head):
        """Of the head in training: normalised features over the temperature, or plain features."""
        if head == "t2fnorm":
            features = F.normalize(features, dim=1, eps=1e-12) / TEMPERATURE
        return getattr(self, self.head)(features)

    def scoring_logits(self, features, head):
        return getattr(self, self.head)(features / TEMPERATURE if head == "t2fnorm" else features)


NETWORKS = {
    "resnet18": dict(widths=(64, 128, 256, 512), blocks=2, option="B", head="fc"),
    "resnet20": dict(widths=(16, 32, 64), blocks=3, option="A", head="linear"),
}


def entry(name, tensor):
    """Scale and offset of a parameter: PyTorch's default bounds, and batch norms a little off 1 and 0."""
    if name.endswith("num_batches_tracked"):
        return 0.0, 0.0
    if tensor.dim() > 1:
        return 1 / math.sqrt(tensor[0].numel()), 0.0
    if name.endswith(("running_mean",)):
        return 0.1, 0.0
    if name.endswith("running_var"):
        return 0.25, 1.0
    if name in ("fc.bias", "linear.bias"):
        return 0.1, 0.0
    return (0.2, 1.0) if name.endswith("weight") else (0.1, 0.0)


def make(name):
    network = ResNet(**NETWORKS[name])
    entries = []
    with torch.no_grad():
        for t, (key, tensor) in enumerate(network.state_dict().items()):
            scale, offset = entry(key, tensor)
            if not key.endswith("num_batches_tracked"):
                tensor.copy_(torch.from_numpy(values(tensor.numel(), t, scale, offset)).reshape(tensor.shape))
            entries.append(dict(name=key, shape=list(tensor.shape), scale=float(np.float32(scale)), offset=offset))
    return network, entries


def sampled(tensor, count):
    flat = tensor.detach().reshape(-1)
    return flat[[(2 * j + 1) * flat.numel() // (2 * count) for j in range(count)]].tolist()


def widest_margin(network, count, tries):
    """The image stream, of `tries`, whose batch keeps every pre-activation farthest from 0."""
    best = (0.0, None)
    for stream in range(100_000, 100_000 + tries):
        trial = copy.deepcopy(network).double().train()
        with torch.no_grad():
            trial.features(batch(stream, 200_000, count)[0].double())
        best = max(best, (trial.smallest, stream))
    return best


def one_step(network, images, labels, head):
    network = copy.deepcopy(network).train()
    features = network.features(images)
    logits = network.logits(features, head)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    index = {key: t for t, key in enumerate(network.state_dict())}
    gradients = []
    for key, parameter in network.named_parameters():
        gradient = parameter.grad.reshape(-1)
        dots = []
        for j in range(2):
            sign = 1 - 2 * (words(gradient.numel(), 500_000 + index[key], j) >> np.uint64(31)).astype(np.float64)
            dots.append((gradient.double() @ torch.from_numpy(sign)).item())
        gradients.append(
            dict(name=key, norm=gradient.double().norm().item(), samples=sampled(gradient, 24), dotProducts=dots))
    running = [
        dict(name=key, samples=sampled(tensor, 8))
        for key, tensor in network.state_dict().items() if key.endswith(("running_mean", "running_var"))]
    network.eval()
    with torch.no_grad():
        evaluated = network.features(images)
        return dict(
            head=head, features=sampled(features, 128), logits=logits.detach().reshape(-1).tolist(),
            loss=loss.item(), gradients=gradients, runningStatistics=running,
            evaluation=dict(
                features=sampled(evaluated, 128), logits=network.logits(evaluated, head).reshape(-1).tolist(),
                scoringLogits=network.scoring_logits(evaluated, head).reshape(-1).tolist()))


def largest_error(single, double):
    """The largest relative error over gradients of float32 PyTorch, as the Swift test measures its own."""
    worst = 0.0
    for a, b in zip(single["gradients"], double["gradients"]):
        x, y = np.array(a["samples"]), np.array(b["samples"])
        worst = max(
            worst, np.linalg.norm(x - y) / np.linalg.norm(y), abs(a["norm"] - b["norm"]) / b["norm"],
            max(abs(p - q) for p, q in zip(a["dotProducts"], b["dotProducts"])) / b["norm"])
    return worst


def descend(network, head, count, rate, steps=20, total=100, batches=4):
    network = copy.deepcopy(network).train()
    dtype = next(network.parameters()).dtype
    optimizer = torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4, nesterov=True)
    least = 1e-6 / rate
    losses = []
    for step in range(steps):
        images, labels = batch(300_000 + step % batches, 400_000 + step % batches, count)
        for group in optimizer.param_groups:
            group["lr"] = rate * (least + (1 - least) * 0.5 * (1 + math.cos(math.pi * step / total)))
        optimizer.zero_grad()
        loss = F.cross_entropy(network.logits(network.features(images.to(dtype)), head), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.8g}")
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return value


def write(name, content):
    path = pathlib.Path(__file__).with_name(name)
    rows = ",\n".join(f'"{key}": {json.dumps(rounded(value), separators=(",", ":"))}' for key, value in content.items())
    path.write_text("{\n" + rows.replace('},{"', '},\n{"') + "\n}\n")
    print(f"{name}: {path.stat().st_size} bytes", flush=True)


def write_step(name, count, tries):
    network, entries = make(name)
    parameters = sum(p.numel() for p in network.parameters())
    margin, stream = widest_margin(network, count, tries)
    print(f"{name}: {parameters} parameters, {len(entries)} entries, images {stream}, margin {margin:.2e}", flush=True)
    images, labels = batch(stream, 200_000, count)
    heads = []
    for head in ("t2fnorm", "linear"):
        double = one_step(copy.deepcopy(network).double(), images.double(), labels, head)
        single = one_step(network, images, labels, head)
        error = largest_error(single, double)
        print(f"  {head}: loss {double['loss']:.6f}, float32 gradients off by {error:.1e}", flush=True)
        heads.append(double)
    write(f"{name}.json", dict(
        pytorch=torch.__version__, parameterCount=parameters, imageCount=count, imageStream=stream,
        labelStream=200_000, imageScale=float(IMAGE_SCALE), temperature=TEMPERATURE, entries=entries, heads=heads))


def write_descent(name, heads, size, rate):
    network, _ = make(name)
    descents = []
    for head in heads:
        double = descend(copy.deepcopy(network).double(), head, size, rate)
        single = descend(network, head, size, rate)
        apart = max(abs(a - b) for a, b in zip(single, double))
        print(f"{name} {head}, {size} images, rate {rate}: loss {double[0]:.4f} to {double[-1]:.4f}, "
              f"float32 off by {apart:.1e}", flush=True)
        assert apart < 2e-4, "float32 and float64 PyTorch part: choose a smaller rate"
        descents.append(dict(
            head=head, batchSize=size, learningRate=rate, minimumLearningRate=1e-6, totalSteps=100, momentum=0.9,
            weightDecay=5e-4, imageStream=300_000, labelStream=400_000, batches=4, losses=double))
    write(f"{name}-descent.json", dict(pytorch=torch.__version__, descents=descents))


def main():
    check_known_answers()
    print("PyTorch", torch.__version__, flush=True)
    write_step("resnet20", count=16, tries=150)
    write_step("resnet18", count=4, tries=150)
    write_descent("resnet20", ("t2fnorm", "linear"), size=32, rate=0.0005)
    write_descent("resnet18", ("t2fnorm",), size=16, rate=0.0001)


if __name__ == "__main__":
    main()
