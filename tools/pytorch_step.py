"""Times whole steps of a network in PyTorch, as `t2fnorm bench step --json` times ours; tools/compare-pytorch runs both.

    python3 tools/pytorch_step.py --network resnet50 --mode training --batch 32 --threads 2 --steps 5
    python3 tools/pytorch_step.py --network resnet50 --mode inference --runtime openvino --precision bfloat16

PyTorch's fastest eager CPU configuration: channels-last, ReLUs in place, no gradients in inference; with
--precision bfloat16 under autocast. --runtime runs the same network in inference by another program: torch.compile
with frozen weights, ONNX Runtime (float32 alone), or OpenVINO.
The head is T2FNorm's at temperature 0.1; training ends with SGD with Nesterov momentum and weight decay.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import pathlib
import statistics
import tempfile
import time

import torch
from torch import nn
from torch.nn import functional as F

# Image size, classes, blocks per stage, and the kind of block.
NETWORKS = {
    "resnet18_32x32": (32, 10, (2, 2, 2, 2), "basic"),
    "resnet18_224x224": (224, 1000, (2, 2, 2, 2), "basic"),
    "resnet34": (224, 1000, (3, 4, 6, 3), "basic"),
    "resnet50": (224, 1000, (3, 4, 6, 3), "bottleneck"),
    "resnet101": (224, 1000, (3, 4, 23, 3), "bottleneck"),
}


def convolution(channels, out, kernel, stride=1):
    """A convolution without bias and its batch norm."""
    return [nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(out)]


class Block(nn.Module):
    def __init__(self, channels, width, stride, kind):
        super().__init__()
        if kind == "basic":
            out = width
            layers = convolution(channels, width, 3, stride) + [nn.ReLU(inplace=True)] + convolution(width, out, 3)
        else:
            out = 4 * width
            layers = (
                convolution(channels, width, 1) + [nn.ReLU(inplace=True)]
                + convolution(width, width, 3, stride) + [nn.ReLU(inplace=True)] + convolution(width, out, 1))
        self.way, self.channels = nn.Sequential(*layers), out
        same = stride == 1 and channels == out
        self.shortcut = nn.Identity() if same else nn.Sequential(*convolution(channels, out, 1, stride))

    def forward(self, x):
        return F.relu(self.way(x).add_(self.shortcut(x)), inplace=True)


class ResNet(nn.Module):
    """The network with T2FNorm's head, which normalises features in training and for accuracy."""

    def __init__(self, size, classes, depths, kind):
        super().__init__()
        stem = convolution(3, 64, 7, 2) if size == 224 else convolution(3, 64, 3)
        layers = stem + [nn.ReLU(inplace=True)]
        if size == 224:
            layers.append(nn.MaxPool2d(3, 2, 1))
        channels = 64
        for stage, (width, depth) in enumerate(zip((64, 128, 256, 512), depths)):
            for block in range(depth):
                layers.append(Block(channels, width, 2 if stage > 0 and block == 0 else 1, kind))
                channels = layers[-1].channels
        self.features, self.fc = nn.Sequential(*layers), nn.Linear(channels, classes)

    def forward(self, images):
        features = self.features(images).mean((2, 3))
        return self.fc(F.normalize(features, eps=1e-12) / 0.1)


@contextlib.contextmanager
def onnx_file(network, images):
    """The path of the network in ONNX's format."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "network.onnx")
        torch.onnx.export(network, (images,), path, dynamo=False)
        yield path


def compiled(network, images, options):
    """A function that runs the network compiled by PyTorch, its weights frozen into it."""
    import torch._inductor.config
    torch._inductor.config.freezing = True
    program = torch.compile(network)
    with torch.inference_mode(), lower_precision(options):
        program(images)
    return lambda: program(images)


def onnx_runtime(network, images, options):
    """A function that runs the network in ONNX Runtime, which computes in single precision on x86-64."""
    import onnxruntime
    if options.precision != "float32":
        raise SystemExit("ONNX Runtime has no convolutions of bfloat16 on this processor: use --precision float32")
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = options.threads
    with onnx_file(network, images) as path:
        session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: images.contiguous().numpy()}
    return lambda: session.run(None, feed)


def openvino(network, images, options):
    """A function that runs the network in OpenVINO."""
    import openvino
    core = openvino.Core()
    with onnx_file(network, images) as path:
        model = core.read_model(path)
    program = core.compile_model(model, "CPU", {
        "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[options.precision],
        "INFERENCE_NUM_THREADS": options.threads, "PERFORMANCE_HINT": "LATENCY"})
    request, values = program.create_infer_request(), images.contiguous().numpy()
    return lambda: request.infer([values])


# Programs that run a network in inference.
RUNTIMES = {
    "eager": lambda network, images, options: lambda: network(images),
    "compiled": compiled,
    "onnxruntime": onnx_runtime,
    "openvino": openvino,
}


def lower_precision(options):
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.precision == "bfloat16")


def timed_steps(step, warm_up, steps):
    seconds = []
    for _ in range(warm_up + steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return seconds[warm_up:]


def version(runtime):
    name = {"onnxruntime": "onnxruntime", "openvino": "openvino"}.get(runtime, "torch")
    return importlib.metadata.version(name)


def peak_byte_count():
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=NETWORKS, default="resnet18_32x32")
    parser.add_argument("--mode", choices=["training", "inference"], default="training")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--runtime", choices=RUNTIMES, default="eager")
    options = parser.parse_args()
    if options.mode == "training" and options.runtime != "eager":
        parser.error(f"--runtime {options.runtime} is for --mode inference")

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    size, classes, *_ = NETWORKS[options.network]
    network = ResNet(*NETWORKS[options.network]).to(memory_format=torch.channels_last)
    network.train(options.mode == "training")
    images = torch.randn(options.batch, 3, size, size).to(memory_format=torch.channels_last)
    labels = torch.randint(0, classes, (options.batch,))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4, nesterov=True)

    def train():
        optimizer.zero_grad()
        with lower_precision(options):
            loss = F.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()

    if options.mode == "training":
        seconds = timed_steps(train, options.warm_up, options.steps)
    else:
        infer = RUNTIMES[options.runtime](network, images, options)
        with torch.inference_mode(), lower_precision(options):
            seconds = timed_steps(infer, options.warm_up, options.steps)
    print(json.dumps(dict(
        network=options.network, mode=options.mode, runtime=options.runtime, precision=options.precision, batch=options.batch, threads=options.threads,
        secondsPerStep=seconds, imagesPerSecond=options.batch / statistics.median(seconds),
        peakByteCount=peak_byte_count(), version=version(options.runtime))))


if __name__ == "__main__":
    main()
