"""Writes the PyTorch fixtures of NetworksTests and TrainingTests, next to this file.

    python3 Tests/Fixtures/make_pytorch_fixtures.py [FILE ...]   all, or resnet50.json and so on; all take about 15 minutes

Written with PyTorch 2.13.0 (CPU). Each file holds what PyTorch computes in float64 for a network whose parameters
and images both sides draw from `RandomStream` (Philox 4x32-10), so no tensor is stored:

    parameter t (position in the state dict): offset + scale * (2 u_i - 1), u from stream (7; test, t), rounded to float32
    images: scale * (2 u_i - 1) in NHWC order, stream (7; test, imageStream); labels: word_i mod 10, stream (7; test, labelStream)
    dropout: the inputs of WideResNet's second convolutions, scaled by 1 / (1 - rate) where 24 bits of the element's word
        are at least rate * 2^24; layer l, sample n: stream (7; layerDropout, step 3, n), branch l, words in groups of 64
    signs of the dot products j = 0, 1 with parameter t's gradient: the top bit of word_i of stream (7; test, 500000 + t, j)

m samples of n elements stand at the flat positions ((2 j + 1) n) div 2 m, j < m; gradients are flat in OIHW order.

A float32 network puts a pre-activation that is almost 0 on the other side of its ReLU now and then, and one such flip
changes gradients by 1e-3. So of many image batches the script takes the one whose smallest |pre-activation| is largest.
The large networks have too many for luck: there the bias of each channel with one too near to 0 is nudged, and the file
holds the new bias (`nudges`: entry, channel, value); of many batches it takes one without near ties in max-pooling.

The 20 steps go at a small rate: at 0.01, losses of ResNet-20 in float32 and in float64 part by 4e-3, at 0.0005 by 7e-5.
"""

import copy
import json
import math
import pathlib
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SEED = 7
TEST_PURPOSE = 5
LAYER_DROPOUT_PURPOSE = 11
DROPOUT_STEP = 3
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


def batch(image_stream, label_stream, count, size=32):
    images = values(count * size * size * 3, image_stream, IMAGE_SCALE).reshape(count, size, size, 3)
    labels = (words(count, label_stream) % np.uint64(CLASSES)).astype(np.int64)
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy()), torch.from_numpy(labels)


def dropout_factors(shape, rate, layer):
    """0 or 1 / (1 - rate) for each element of a map [N, C, H, W].

    Element e of a sample, in HWC order, takes word (e / 16) % 4 of block 16 (e / 64) + e % 16."""
    count, channels, height, width = shape
    e = np.arange(channels * height * width)
    block = (16 * (e // 64) + e % 16).astype(np.uint64)
    factors = []
    for sample in range(count):
        coordinate = np.full_like(block, DROPOUT_STEP << 4 | LAYER_DROPOUT_PURPOSE)
        blocks = philox((block, np.full_like(block, layer), coordinate, np.full_like(block, sample)), (SEED, 0))
        words = np.choose((e // 16) % 4, blocks)
        kept = words >> np.uint64(8) >= np.uint64(round(rate * 2**24))
        factors.append(kept.reshape(height, width, channels).transpose(2, 0, 1) / (1 - rate))
    return torch.from_numpy(np.stack(factors))


class BlurredConvolution(nn.Module):
    """A convolution of stride 2 that reads its input through a binomial filter, as in FFCV's recipes."""

    def __init__(self, convolution):
        super().__init__()
        self.conv = convolution
        line = torch.tensor([1.0, 2.0, 1.0])
        kernel = (line[:, None] * line[None, :] / 16).expand(convolution.in_channels, 1, 3, 3)
        self.register_buffer("filter", kernel.clone(), persistent=False)

    def forward(self, x):
        return self.conv(F.conv2d(x, self.filter.to(x.dtype), padding=1, groups=x.shape[1]))


def convolution(channels, out, kernel, stride, blurs):
    own = nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False)
    return BlurredConvolution(own) if blurs and stride == 2 else own


class Block(nn.Module):
    """A basic block, or torchvision's bottleneck with its stride on the 3x3; the shortcut is OpenOOD's option B
    (`shortcut`), torchvision's (`downsample`), or option A."""

    def __init__(self, channels, width, stride, shortcut, bottleneck, blurs):
        super().__init__()
        kernels = [(1, width, 1), (3, width, stride), (1, 4 * width, 1)] if bottleneck else [(3, width, stride), (3, width, 1)]
        self.count, inner = len(kernels), channels
        for i, (kernel, out, step) in enumerate(kernels, start=1):
            setattr(self, f"conv{i}", convolution(inner, out, kernel, step, blurs))
            setattr(self, f"bn{i}", nn.BatchNorm2d(out))
            inner = out
        self.way = lambda x: x
        if stride != 1 or channels != inner:
            if shortcut == "A":
                padding = (inner - channels) // 2
                self.way = lambda x: F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, padding, padding))
            else:
                projection = nn.Sequential(convolution(channels, inner, 1, stride, blurs), nn.BatchNorm2d(inner))
                setattr(self, shortcut, projection)
                self.way = None
        self.projection = shortcut

    def forward(self, x, relu):
        y = x
        for i in range(1, self.count + 1):
            norm = getattr(self, f"bn{i}")
            y = norm(getattr(self, f"conv{i}")(y))
            if i < self.count:
                y = relu(y, norm)
        return relu(y + (self.way or getattr(self, self.projection))(x), norm)


class Network(nn.Module):
    """What the networks share: the head, and how pre-activations are kept away from 0."""

    pooled = False

    def __init__(self):
        super().__init__()
        self.smallest, self.wanted, self.nudges = math.inf, 0, []

    def relu(self, x, norm):
        """The ReLU of `x`, whose last term is the output of `norm`."""
        if self.training:
            scale = x.detach().square().mean().sqrt().item()
            if self.wanted:
                x = self.nudge(x, norm, self.wanted * scale)
            self.smallest = min(self.smallest, x.detach().abs().min().item() / scale)
        return F.relu(x)

    def nudge(self, x, norm, margin):
        """Moves biases of `norm` by as little as leaves no |x| below `margin`."""
        for c in torch.nonzero(x.abs().amin(dim=(0, 2, 3)) < margin).flatten().tolist():
            old, ordered = norm.bias[c].item(), x[:, c].flatten().sort().values
            middles = (ordered[1:] + ordered[:-1])[ordered.diff() > 2.1 * margin] / 2
            ends = torch.stack([ordered[0] - 1.1 * margin, ordered[-1] + 1.1 * margin])
            new = old - min(torch.cat([middles, ends]).tolist(), key=abs)
            norm.bias[c] = float(np.float32(float(f"{new:.8g}")))
            x[:, c] += norm.bias[c].item() - old
            self.nudges.append((norm, c))
        return x

    def logits(self, features, head):
        """Of the head in training: normalised features over the temperature, or plain features."""
        if head == "t2fnorm":
            features = F.normalize(features, dim=1, eps=1e-12) / TEMPERATURE
        return getattr(self, self.head)(features)

    def scoring_logits(self, features, head):
        return getattr(self, self.head)(features / TEMPERATURE if head == "t2fnorm" else features)


class ResNet(Network):
    """resnet18_32x32 of OpenOOD (`shortcut`, `fc`), akamaster's CIFAR ResNets (option A, `linear`), or torchvision's
    (7x7 stem with max-pooling, `downsample`, `fc`)."""

    def __init__(self, widths, blocks, shortcut, head, pooled=False, bottleneck=False, blurs=False):
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 7, 2, 3, bias=False) if pooled else nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.pooled, self.last, channels = pooled, "bn3" if bottleneck else "bn2", widths[0]
        for level, (width, depth) in enumerate(zip(widths, blocks), start=1):
            stage = nn.ModuleList()
            for block in range(depth):
                stage.append(Block(channels, width, 2 if level > 1 and block == 0 else 1, shortcut, bottleneck, blurs))
                channels = 4 * width if bottleneck else width
            setattr(self, f"layer{level}", stage)
        self.levels, self.head = len(widths), head
        setattr(self, head, nn.Linear(channels, CLASSES))

    def pool(self, x):
        if self.training and not torch.is_grad_enabled():
            windows = F.unfold(F.pad(x, (1, 1, 1, 1)).flatten(0, 1).unsqueeze(1), 3, stride=2)
            first, second = windows.topk(2, dim=1).values.unbind(dim=1)
            gap = (first - second)[first > 0].min() / x.square().mean().sqrt()
            self.smallest = min(self.smallest, gap.item())
        return F.max_pool2d(x, 3, 2, 1)

    def features(self, x):
        x = self.relu(self.bn1(self.conv1(x)), self.bn1)
        if self.pooled:
            x = self.pool(x)
        for level in range(1, self.levels + 1):
            for block in getattr(self, f"layer{level}"):
                x = block(x, self.relu)
        return x.mean(dim=(2, 3))


class WideBlock(nn.Module):
    """A pre-activation block; one that changes the channels projects the activated input."""

    def __init__(self, channels, width, stride, dropout, number):
        super().__init__()
        self.dropout, self.number = dropout, number
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.convShortcut = nn.Conv2d(channels, width, 1, stride, bias=False) if channels != width else None

    def forward(self, x, relu):
        activated = relu(self.bn1(x), self.bn1)
        y = relu(self.bn2(self.conv1(activated)), self.bn2)
        if self.training and self.dropout:
            y = y * dropout_factors(y.shape, self.dropout, self.number).to(y.dtype)
        y = self.conv2(y)
        return y + (self.convShortcut(activated) if self.convShortcut else x)


class WideResNet(Network):
    """WideResNet for CIFAR (arXiv 1605.07146) with the names of OpenOOD's `wrn`."""

    def __init__(self, depth, width, dropout=0):
        super().__init__()
        self.conv1, channels, self.head = nn.Conv2d(3, 16, 3, 1, 1, bias=False), 16, "fc"
        for level in range(1, 4):
            stage = nn.ModuleList()
            for block in range(depth):
                out = 16 * width << level - 1
                number = (level - 1) * depth + block
                stage.append(WideBlock(channels, out, 2 if level > 1 and block == 0 else 1, dropout, number))
                channels = out
            setattr(self, f"block{level}", nn.ModuleDict(dict(layer=stage)))
        self.bn1, self.fc = nn.BatchNorm2d(channels), nn.Linear(channels, CLASSES)

    def features(self, x):
        x = self.conv1(x)
        for level in range(1, 4):
            for block in getattr(self, f"block{level}")["layer"]:
                x = block(x, self.relu)
        return self.relu(self.bn1(x), self.bn1).mean(dim=(2, 3))


STAGES = (64, 128, 256, 512)
NETWORKS = {
    "resnet18": dict(widths=STAGES, blocks=(2, 2, 2, 2), shortcut="shortcut", head="fc"),
    "resnet20": dict(widths=(16, 32, 64), blocks=(3, 3, 3), shortcut="A", head="linear"),
    "resnet18_224x224": dict(widths=STAGES, blocks=(2, 2, 2, 2), shortcut="downsample", head="fc", pooled=True),
    "resnet50": dict(widths=STAGES, blocks=(3, 4, 6, 3), shortcut="downsample", head="fc", pooled=True, bottleneck=True),
    "resnet18_blurpool": dict(
        widths=STAGES, blocks=(2, 2, 2, 2), shortcut="downsample", head="fc", pooled=True, blurs=True),
    "wideresnet28_10": dict(depth=4, width=10),
    "wideresnet40_2": dict(depth=6, width=2),
    "wideresnet40_2_dropout": dict(depth=6, width=2, dropout=0.3),
}
# Number of parameters of torchvision's networks with ten classes, and of entries of their state
# dictionaries.
COUNTS = {"resnet18_224x224": (11_181_642, 122), "resnet50": (23_528_522, 320), "wideresnet28_10": (36_479_194, 155)}


def entry(name, tensor, last=None):
    """Scale and offset of a parameter: PyTorch's default bounds, and batch norms a little off 1 and 0.

    Those of the large networks are less chaotic so: the scales small, and more units on than off inside a block. The
    stem's biases are below 0, or max-pooling would leave their gradients next to nothing."""
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
    if last:
        if name.endswith("weight"):
            return 0.1, 0.5
        if name == "bn1.bias":
            return 0.2, -0.3
        return (0.2, -0.1) if name.split(".")[-2] in ("1", last) else (0.2, 0.6)
    return (0.2, 1.0) if name.endswith("weight") else (0.1, 0.0)


def make(name):
    choices = NETWORKS[name]
    network = (ResNet if "blocks" in choices else WideResNet)(**choices)
    entries = []
    with torch.no_grad():
        for t, (key, tensor) in enumerate(network.state_dict().items()):
            scale, offset = entry(key, tensor, network.last if network.pooled else None)
            if not key.endswith("num_batches_tracked"):
                tensor.copy_(torch.from_numpy(values(tensor.numel(), t, scale, offset)).reshape(tensor.shape))
            entries.append(dict(name=key, shape=list(tensor.shape), scale=float(np.float32(scale)), offset=offset))
    return network, entries


def apply(nudges, network):
    tensors = list(network.state_dict().values())
    with torch.no_grad():
        for t, channel, value in nudges:
            tensors[t][channel] = value


def sampled(tensor, count):
    flat = tensor.detach().reshape(-1)
    return flat[[(2 * j + 1) * flat.numel() // (2 * count) for j in range(count)]].tolist()


def widest_margin(network, count, size, tries, wanted=0):
    """The image stream, of `tries`, whose batch keeps every pre-activation farthest from 0, and the nudges for it."""
    best = (0.0, None, [])
    index = {key: t for t, key in enumerate(network.state_dict())}
    for stream in range(100_000, 100_000 + tries):
        trial = copy.deepcopy(network).double().train()
        trial.wanted = wanted
        with torch.no_grad():
            trial.features(batch(stream, 200_000, count, size)[0].double())
        names = {module: f"{name}.bias" for name, module in trial.named_modules()}
        nudges = [(index[names[norm]], c, norm.bias[c].item()) for norm, c in trial.nudges]
        best = max(best, (trial.smallest, stream, nudges))
        if wanted and trial.smallest > wanted:
            break
    return best


def one_step(network, images, labels, head, samples=24):
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
            dict(name=key, norm=gradient.double().norm().item(), samples=sampled(gradient, samples), dotProducts=dots))
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


def staged(network, head, count, rate, frozen, zeroes, sizes, steps=20, total=100, batches=4):
    """Losses of SGD with frozen parts (`fixed` or `batch` statistics), zeroed residual scales or images of several sizes."""
    network = copy.deepcopy(network).train()
    dtype = next(network.parameters()).dtype
    if zeroes:
        for name, module in network.named_modules():
            if name.endswith(".bn2"):
                nn.init.zeros_(module.weight)
    still = [module for name, module in network.named_children() if frozen and name not in ("layer3", network.head)]
    for module in still:
        module.requires_grad_(False)
        if frozen == "fixed":
            module.eval()
    optimizer = torch.optim.SGD(
        [p for p in network.parameters() if p.requires_grad], lr=rate, momentum=0.9, weight_decay=5e-4, nesterov=True)
    least, losses = 1e-6 / rate, []
    for step in range(steps):
        size = sizes[step * len(sizes) // steps]
        images, labels = batch(300_000 + step % batches, 400_000 + step % batches, count, size)
        optimizer.param_groups[0]["lr"] = rate * (least + (1 - least) * 0.5 * (1 + math.cos(math.pi * step / total)))
        optimizer.zero_grad()
        loss = F.cross_entropy(network.logits(network.features(images.to(dtype)), head), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    network.eval()
    images, _ = batch(300_000, 400_000, count, sizes[-1])
    images = images.to(dtype)
    with torch.no_grad():
        logits = [network.logits(network.features(x), head) for x in (images, images.flip(3))]
    return losses, (logits[0] + logits[1]).reshape(-1).tolist()


def write_stages(name, size, rate):
    network, _ = make(name)
    runs = []
    for kind in (dict(frozen="fixed"), dict(frozen="batch"), dict(zeroes=True), dict(sizes=(16, 32))):
        options = dict(frozen=None, zeroes=False, sizes=(32,)) | kind
        double, flipped = staged(copy.deepcopy(network).double(), "t2fnorm", size, rate, **options)
        single, _ = staged(network, "t2fnorm", size, rate, **options)
        apart = max(abs(a - b) for a, b in zip(single, double))
        print(f"{name} {kind}: loss {double[0]:.4f} to {double[-1]:.4f}, float32 off by {apart:.1e}", flush=True)
        assert apart < 2e-4, "float32 and float64 PyTorch part: choose a smaller rate"
        runs.append(dict(
            frozen=options["frozen"] or "none", zeroesScales=options["zeroes"], sizes=list(options["sizes"]),
            batchSize=size, learningRate=rate, minimumLearningRate=1e-6, totalSteps=100, momentum=0.9, weightDecay=5e-4,
            imageStream=300_000, labelStream=400_000, batches=4, losses=double, flippedLogits=flipped))
    write(f"{name}-stages.json", dict(pytorch=torch.__version__, runs=runs))


def pictures(image_stream, label_stream, count):
    """Bytes whose brightness tells the class, [count, 32, 32, 3], and labels: noise below 128 plus 12 a class."""
    labels = (words(count, label_stream) % np.uint64(CLASSES)).astype(np.int64)
    noise = ((words(count * 32 * 32 * 3, image_stream) >> np.uint64(8)) % np.uint64(128)).astype(np.int64)
    return noise.reshape(count, 32, 32, 3) + 12 * labels[:, None, None, None], labels


def network_input(pixels, dtype):
    mean, deviation = torch.tensor([0.4914, 0.4822, 0.4465]), torch.tensor([0.2470, 0.2435, 0.2616])
    images = torch.from_numpy(pixels).to(torch.float64) / 255
    return ((images - mean.double()) / deviation.double()).permute(0, 3, 1, 2).to(dtype).contiguous()


def train(network, head, run):
    """A whole run as a user would write it: what each step and each epoch come to."""
    network = copy.deepcopy(network).train()
    dtype = next(network.parameters()).dtype
    pixels, labels = pictures(run["imageStream"], run["labelStream"], run["imageCount"])
    held_pixels, held_labels = pictures(run["validationImageStream"], run["validationLabelStream"], run["validationCount"])
    images, labels = network_input(pixels, dtype), torch.from_numpy(labels)
    held_images, held_labels = network_input(held_pixels, dtype), torch.from_numpy(held_labels)
    rate, size = run["learningRate"], run["batchSize"]
    optimizer = torch.optim.SGD(
        network.parameters(), lr=rate, momentum=run["momentum"], weight_decay=run["weightDecay"], nesterov=True)
    total = run["epochCount"] * -(-len(images) // size)
    least, step, steps, epochs = run["minimumLearningRate"] / rate, 0, [], []
    for epoch in range(run["epochCount"]):
        losses, correct = 0.0, 0
        for first in range(0, len(images), size):
            batch_images, batch_labels = images[first : first + size], labels[first : first + size]
            optimizer.param_groups[0]["lr"] = rate * (least + (1 - least) * 0.5 * (1 + math.cos(math.pi * step / total)))
            optimizer.zero_grad()
            logits = network.logits(network.features(batch_images), head)
            loss = F.cross_entropy(logits, batch_labels)
            loss.backward()
            optimizer.step()
            right = (logits.argmax(1) == batch_labels).sum().item()
            steps.append(dict(loss=loss.item(), accuracy=right / len(batch_labels), learningRate=optimizer.param_groups[0]["lr"]))
            losses, correct, step = losses + loss.item() * len(batch_labels), correct + right, step + 1
        network.eval()
        with torch.no_grad():
            logits = network.logits(network.features(held_images), head)
        network.train()
        first, second = logits.topk(2, dim=1).values.unbind(dim=1)
        epochs.append(dict(
            loss=losses / len(images), accuracy=correct / len(images),
            validationAccuracy=(logits.argmax(1) == held_labels).double().mean().item(),
            margin=((first - second) / logits.abs().amax(1)).min().item()))
    return steps, epochs


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


def write_step(name, count, tries, size=32, wanted=0, samples=24):
    network, entries = make(name)
    parameters = sum(p.numel() for p in network.parameters())
    assert COUNTS.get(name, (parameters, len(entries))) == (parameters, len(entries))
    margin, stream, nudges = widest_margin(network, count, size, tries, wanted)
    print(f"{name}: {parameters} parameters, {len(entries)} entries, images {stream}, margin {margin:.2e}, "
          f"{len(nudges)} nudges", flush=True)
    assert margin > wanted
    apply(nudges, network)
    images, labels = batch(stream, 200_000, count, size)
    heads = []
    for head in ("t2fnorm", "linear"):
        double = one_step(copy.deepcopy(network).double(), images.double(), labels, head, samples)
        single = one_step(network, images, labels, head, samples)
        error = largest_error(single, double)
        print(f"  {head}: loss {double['loss']:.6f}, float32 gradients off by {error:.1e}", flush=True)
        heads.append(double)
    write(f"{name}.json", dict(
        pytorch=torch.__version__, parameterCount=parameters, imageCount=count, imageSize=size, imageStream=stream,
        dropoutRate=NETWORKS[name].get("dropout", 0), labelStream=200_000, imageScale=float(IMAGE_SCALE), temperature=TEMPERATURE, nudges=nudges, entries=entries,
        heads=heads))


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


def write_run(name, heads):
    network, _ = make(name)
    runs = []
    for head, validation in heads.items():
        run = dict(RUN, validationImageStream=validation, validationLabelStream=validation + 10_000)
        steps, epochs = train(copy.deepcopy(network).double(), head, run)
        single_steps, single_epochs = train(network, head, run)
        apart = max(abs(a["loss"] - b["loss"]) for a, b in zip(steps, single_steps))
        print(f"{name} {head}: loss {steps[0]['loss']:.4f} to {steps[-1]['loss']:.4f}, float32 off by {apart:.1e}, validation "
              + " ".join(f"{e['validationAccuracy']:.3f} (margin {e['margin']:.1e})" for e in epochs), flush=True)
        accuracies = [e["validationAccuracy"] for e in epochs]
        assert apart < RUN_TOLERANCE, "float32 and float64 PyTorch part: choose a smaller rate"
        assert accuracies == [e["validationAccuracy"] for e in single_epochs]
        assert [s["accuracy"] for s in steps] == [s["accuracy"] for s in single_steps]
        best = max(e for e, accuracy in enumerate(accuracies, start=1) if accuracy == max(accuracies))
        assert accuracies.count(max(accuracies)) > 1 and best < run["epochCount"], "of equals the later is best, and not the last epoch"
        runs.append(dict(head=head, **run, steps=steps, epochs=epochs, bestEpoch=best))
    write(f"{name}-run.json", dict(pytorch=torch.__version__, runs=runs))


RUN_TOLERANCE = 2e-4
RUN = dict(
    imageStream=600_000, labelStream=610_000, imageCount=52, validationCount=40, batchSize=16, epochCount=4, learningRate=0.0005,
    minimumLearningRate=1e-6, momentum=0.9, weightDecay=5e-4)


FILES = {
    "resnet20-run.json": lambda: write_run("resnet20", {"t2fnorm": 601_021, "linear": 601_018}),
    "resnet20.json": lambda: write_step("resnet20", count=16, tries=150, wanted=5e-5),
    "resnet18.json": lambda: write_step("resnet18", count=4, tries=150, wanted=5e-5),
    "resnet18_224x224.json": lambda: write_step(
        "resnet18_224x224", count=4, tries=150, size=40, wanted=1e-4, samples=12),
    "resnet50.json": lambda: write_step("resnet50", count=4, tries=150, size=40, wanted=1e-4, samples=12),
    "resnet18_blurpool.json": lambda: write_step(
        "resnet18_blurpool", count=4, tries=150, size=40, wanted=1e-4, samples=12),
    "wideresnet28_10.json": lambda: write_step("wideresnet28_10", count=4, tries=150, size=16, wanted=5e-5, samples=12),
    "wideresnet40_2.json": lambda: write_step("wideresnet40_2", count=4, tries=150, size=16, wanted=5e-5, samples=12),
    "wideresnet40_2_dropout.json": lambda: write_step(
        "wideresnet40_2_dropout", count=4, tries=150, size=16, wanted=5e-5, samples=12),
    "resnet20-descent.json": lambda: write_descent("resnet20", ("t2fnorm", "linear"), size=32, rate=0.0005),
    "resnet20-stages.json": lambda: write_stages("resnet20", size=16, rate=0.0003),
    "resnet18-descent.json": lambda: write_descent("resnet18", ("t2fnorm",), size=16, rate=0.0001),
}


def main():
    check_known_answers()
    print("PyTorch", torch.__version__, flush=True)
    for name in sys.argv[1:] or FILES:
        FILES[name]()


if __name__ == "__main__":
    main()
