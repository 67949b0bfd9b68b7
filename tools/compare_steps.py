"""Compares training steps from trained weights: ours in both precisions, PyTorch in single precision and under autocast, each
with PyTorch in double precision.

    python3 tools/compare_steps.py --weights resnet20-12fca82f.th --network resnet20 --data data/cifar10/train

All take the same images of the set at every step. Printed are the losses, and how far the change of the weights
after one step (the gradient) and after all is from that of double precision. Needs torch, numpy and h5py.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import h5py
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Widths, blocks per stage, option A's shortcuts, and the last layer's name.
NETWORKS = {
    "resnet20": ((16, 32, 64), 3, True, "linear"),
    "resnet18_32x32": ((64, 128, 256, 512), 2, False, "fc"),
}
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
MOMENTUM = 0.9
# The exit code of a run that stops before its end.
STOPPED = 75


class Block(nn.Module):
    def __init__(self, channels, width, stride, pads):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.padding = (width - channels) // 2
        self.is_same = stride == 1 and channels == width
        if not self.is_same and not pads:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        if self.is_same:
            way = x
        elif hasattr(self, "shortcut"):
            way = self.shortcut(x)
        else:
            way = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.padding, self.padding))
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + way)


class ResNet(nn.Module):
    def __init__(self, widths, blocks, pads, last, classes=10):
        super().__init__()
        self.conv1, self.bn1, channels = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), widths[0]
        for level, width in enumerate(widths, start=1):
            stage = []
            for index in range(blocks):
                stage.append(Block(channels, width, 2 if level > 1 and index == 0 else 1, pads))
                channels = width
            setattr(self, f"layer{level}", nn.Sequential(*stage))
        self.levels, self.last = len(widths), last
        setattr(self, last, nn.Linear(channels, classes))

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        for level in range(1, self.levels + 1):
            x = getattr(self, f"layer{level}")(x)
        return getattr(self, self.last)(x.mean((2, 3)))


def state_of(path):
    state = torch.load(path, weights_only=True, map_location="cpu")
    state = state.get("state_dict", state)
    return {name.removeprefix("module."): value for name, value in state.items()}


def images_and_labels(folder, count):
    """Images at equal distances in the set, which may be in the order of classes."""
    shards = [h5py.File(path) for path in sorted(pathlib.Path(folder).glob("*.h5"))]
    images, labels = (np.concatenate([shard[key][:] for shard in shards]) for key in ("images", "labels"))
    places = np.linspace(0, len(labels), count, endpoint=False).astype(int)
    return images[places], labels[places]


class Result:
    """Losses, and the weights after the first and the last step."""

    def __init__(self, losses, first, last):
        self.losses, self.first, self.last = losses, first, last


def theirs(options, state, images, labels, dtype, autocast):
    """PyTorch's steps."""
    torch.manual_seed(0)
    model = ResNet(*NETWORKS[options.network])
    model.load_state_dict(state, strict=False)
    model.to(dtype=dtype, memory_format=torch.channels_last).train()
    x = (torch.from_numpy(images).to(dtype) / 255 - torch.tensor(MEAN, dtype=dtype)) / torch.tensor(DEVIATION, dtype=dtype)
    x, y = x.permute(0, 3, 1, 2), torch.from_numpy(labels.astype(np.int64))
    optimizer = torch.optim.SGD(model.parameters(), lr=options.rate, momentum=MOMENTUM, nesterov=True)
    losses, first = [], None
    for _ in range(options.steps):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            logits = model(x)
        loss = F.cross_entropy(logits.to(dtype), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        first = first or weights_of(model.state_dict())
    return Result(losses, first, weights_of(model.state_dict()))


def ours(options, folder, precision):
    """The steps of `t2fnorm train`, from the imported weights."""
    config = f"{folder}/{precision}.yml"
    pathlib.Path(config).write_text(f"""
name: {precision}
output: {folder}/runs
data:
  train: {folder}/set
  transform: {{size: 32, padding: 0, flip: false, mean: {list(MEAN)}, standardDeviation: {list(DEVIATION)}}}
network: {{name: {options.network}, classes: 10}}
head: {{name: linear}}
optimizer: {{learningRate: {options.rate}, momentum: {MOMENTUM}, nesterov: true, weightDecay: 0,
  schedule: constant}}
training: {{epochs: {options.steps}, batch: {options.batch}, microbatch: 32}}
compute: {{precision: {precision}}}
""")

    def command(*words):
        outcome = subprocess.run([ROOT / ".build/release/t2fnorm", *words], capture_output=True, text=True)
        if outcome.returncode not in (0, STOPPED):
            raise SystemExit(outcome.stderr or outcome.stdout)

    def weights(name):
        command("export", f"{folder}/runs/{precision}/s0", f"{folder}/{name}.pth", "--checkpoint", "latest")
        return weights_of(state_of(f"{folder}/{name}.pth"))

    command("import", str(options.weights), "--into", "training", "--config", config)
    command("train", "--config", config, "--set", "training.stopAfterSteps=1")
    first = weights(f"{precision}-first")
    command("train", "--config", config)
    lines = pathlib.Path(f"{folder}/runs/{precision}/s0/metrics.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    return Result([event["loss"] for event in events if event["event"] == "step"], first, weights(f"{precision}-last"))


def weights_of(state):
    """All trained tensors in one vector, by name."""
    return {name: value.detach().double().flatten().clone() for name, value in state.items()
            if value.is_floating_point() and "running" not in name and name != "tau"}


def change(weights, start):
    return torch.cat([weights[name] - start[name] for name in sorted(start)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", required=True)
    parser.add_argument("--network", choices=NETWORKS, default="resnet20")
    parser.add_argument("--data", required=True, help="a packed dataset of decoded pixels")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.01)
    options = parser.parse_args()

    state = state_of(options.weights)
    images, labels = images_and_labels(options.data, options.batch)
    start = weights_of(state)
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/images.npy", images)
        np.save(f"{folder}/labels.npy", labels)
        subprocess.run(
            [ROOT / ".build/release/t2fnorm", "data", "pack", f"{folder}/images.npy", "--class-count", "10", "--output",
             f"{folder}/set"], check=True, capture_output=True)
        results = {
            "PyTorch, double precision": theirs(options, state, images, labels, torch.float64, False),
            "PyTorch, single precision": theirs(options, state, images, labels, torch.float32, False),
            "ours, float32": ours(options, folder, "float32"),
            "ours, mixed": ours(options, folder, "mixed"),
            "PyTorch, autocast to bfloat16": theirs(options, state, images, labels, torch.float32, True),
        }
    reference = next(iter(results.values()))
    print(f"{options.network}, {options.steps} steps of {options.batch} images, learning rate {options.rate}\n")
    print(f"| | loss of step 1 | loss of step {options.steps} | largest relative difference of a loss "
          f"| 1 step: distance, 1 − cosine | {options.steps} steps: distance, 1 − cosine |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, result in results.items():
        assert len(result.losses) == options.steps, f"{len(result.losses)} losses of {name}"
        difference = max(abs(a - b) / b for a, b in zip(result.losses, reference.losses))
        cells = [name, f"{result.losses[0]:.6f}", f"{result.losses[-1]:.6f}", f"{difference:.1e}"]
        for own, exact in ((result.first, reference.first), (result.last, reference.last)):
            a, b = change(own, start), change(exact, start)
            cosine = torch.dot(a, b) / (a.norm() * b.norm())
            cells.append(f"{(a - b).norm() / b.norm():.1e}, {max(1 - cosine.item(), 0):.1e}")
        print("|", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
