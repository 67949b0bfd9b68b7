"""Times PyTorch's DataLoader over torchvision, as `t2fnorm bench data --json` times ours; tools/compare-loader runs both.

    python3 tools/pytorch_loader.py --kind cifar --images cifar.npy --batch 128 --seconds 5
    python3 tools/pytorch_loader.py --kind jpeg --images folder/ --batch 32 --seconds 5

The images are the same: CIFAR's in memory as in torchvision's own dataset, JPEG files read one by one. Transforms are OpenOOD's, on Pillow
images; there are no worker processes, which on one core would only add copies.
"""

import argparse
import json
import pathlib
import statistics
import time

import numpy
import PIL
import torch
from PIL import Image

try:
    import torchvision
except RuntimeError:
    # A torchvision built for CUDA beside a PyTorch for CPUs lacks its compiled operators.
    # Transforms of Pillow images use none of them; only the import requires these two.
    for name in "nms", "qnms":
        torch.library.define(f"torchvision::{name}", "(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    import torchvision
from torchvision import transforms

MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Pixels(torch.utils.data.Dataset):
    """Images of one size in memory, as torchvision.datasets.CIFAR10."""

    def __init__(self, path, transform):
        self.images, self.transform = numpy.load(path), transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.images[index])), 0


class Files(torch.utils.data.Dataset):
    """Image files, as torchvision.datasets.ImageFolder."""

    def __init__(self, folder, transform):
        self.paths = sorted(path for path in pathlib.Path(folder).rglob("*") if path.is_file())
        self.transform = transform

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        with open(self.paths[index], "rb") as file:
            image = Image.open(file).convert("RGB")
        return self.transform(image), 0


def dataset(kind, images):
    if kind == "cifar":
        return Pixels(images, transforms.Compose([
            transforms.RandomHorizontalFlip(), transforms.RandomCrop(32, padding=4), transforms.ToTensor(),
            transforms.Normalize(MEAN, STD)]))
    return Files(images, transforms.Compose([
        transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
        transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)]))


def rates(loader, seconds):
    """Images per second in intervals of about a second, after an untimed first batch."""
    batches = endless(loader)
    next(batches)
    start = part = time.perf_counter()
    count, found = 0, []
    while time.perf_counter() - start < seconds:
        count += len(next(batches))
        now = time.perf_counter()
        if now - part >= 1:
            found.append(count / (now - part))
            count, part = 0, now
    return found or [count / (time.perf_counter() - part)]


def endless(loader):
    while True:
        for images, _ in loader:
            yield images


def peak_byte_count():
    status = pathlib.Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=["cifar", "jpeg"], required=True)
    parser.add_argument("--images", required=True)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(0)
    loader = torch.utils.data.DataLoader(
        dataset(options.kind, options.images), batch_size=options.batch, shuffle=True, num_workers=0)
    print(json.dumps(dict(
        imagesPerSecond=statistics.median(rates(loader, options.seconds)), peakByteCount=peak_byte_count(),
        version=f"{torch.__version__}, torchvision {torchvision.__version__}, Pillow {PIL.__version__}")))


if __name__ == "__main__":
    main()
