"""Runs `t2fnorm bench data` and PyTorch's DataLoader in turn and prints the results; see tools/compare-loader."""

import argparse
import datetime
import io
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tarfile
import tempfile

import compare_pytorch as compare

ROOT = compare.ROOT
PROGRAM = ROOT / ".build/release/t2fnorm"
DATA = pathlib.Path(os.environ.get("T2FNORM_DATA", ROOT / "../shared/data"))
CIFAR = "cifar10/cifar10-jpeg-test.tar.gz"
IMAGENET = "imagenet/imagenet-sample-250.tar"
# The title, the set, our options and PyTorch's.
LARGE = "JPEG three times as wide and high → random resized crop 224"
ROWS = {
    "cifar": ("CIFAR batches: flip, crop, normalise", "cifar", ["--batch", 128], ["--kind", "cifar", "--batch", 128]),
    "jpeg": ("JPEG → random resized crop 224 → normalise", "imagenet", ["exact"], ["jpeg"]),
    "jpeg-scaled": ("the same, ours with scaled decoding", "imagenet", ["scaled"], ["jpeg"]),
    "jpeg-large": (LARGE, "large", ["exact"], ["jpeg"]),
    "jpeg-large-scaled": (f"{LARGE}, ours with scaled decoding", "large", ["scaled"], ["jpeg"]),
}
MEMORY, WAIT = "memory", "wait"
RECORDS = 100_000


def ours(folder, name, options, seconds, images=0):
    if options[0] in ("exact", "scaled"):
        options = ["--crop", "resized", "--size", 224, "--batch", 32, "--decode", options[0]]
    return compare.run([PROGRAM, "bench", "data", folder / name, *options, "--seconds", seconds, "--images", images,
                        "--json"], 1)


def theirs(folder, name, options, seconds):
    if options == ["jpeg"]:
        options = ["--kind", "jpeg", "--batch", 32]
    images = folder / (f"{name}-pixels.npy" if name == "cifar" else f"{name}-files")
    return compare.run([sys.executable, ROOT / "tools/pytorch_loader.py", "--images", images, *options,
                        "--seconds", seconds], 1)


def pack(folder, name, *arguments):
    words = [PROGRAM, "data", "pack", *arguments, "--output", folder / name]
    outcome = subprocess.run([str(word) for word in words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if outcome.returncode != 0:
        sys.exit(outcome.stderr.strip())


def make_cifar(folder):
    import numpy
    from PIL import Image

    pack(folder, "cifar", DATA / CIFAR)
    with tarfile.open(DATA / CIFAR) as archive:
        files = [archive.extractfile(member).read() for member in archive if member.name.endswith(".jpg")]
    images = numpy.stack([numpy.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files])
    numpy.save(folder / "cifar-pixels.npy", images)


def make_imagenet(folder):
    pack(folder, "imagenet", DATA / IMAGENET, "--list", DATA / "imglist/local/imagenet_sample.txt")
    (folder / "imagenet-files").mkdir()
    with tarfile.open(DATA / IMAGENET) as archive:
        for member in archive:
            if member.name.endswith(".JPEG"):
                path = folder / "imagenet-files" / pathlib.Path(member.name).name
                path.write_bytes(archive.extractfile(member).read())


def make_large(folder):
    """A quarter of the sample, enlarged to a camera's image size."""
    from PIL import Image

    for name in ("0", "1"):
        (folder / "large-files" / name).mkdir(parents=True)
    for number, path in enumerate(sorted((folder / "imagenet-files").iterdir())[::4]):
        image = Image.open(path).convert("RGB")
        image = image.resize((3 * image.width, 3 * image.height), Image.LANCZOS)
        image.save(folder / "large-files" / str(number % 2) / path.name, "JPEG", quality=90)
    pack(folder, "large", folder / "large-files")


def describe(folder):
    """Number, mean file size and mean image size of the decoded files."""
    from PIL import Image

    for name in ("imagenet", "large"):
        paths = [path for path in (folder / f"{name}-files").rglob("*") if path.is_file()]
        if paths:
            sizes = [Image.open(path).size for path in paths]
            yield (f"{name}: {len(paths)} files, {statistics.mean(path.stat().st_size for path in paths) / 1e3:.0f} kB and "
                   f"{statistics.mean(w for w, _ in sizes):.0f} × {statistics.mean(h for _, h in sizes):.0f} pixels on average")


def wait_share(folder, number):
    """The fraction of a ResNet-18's training that rank 0 of two waits for data: one epoch of 1,280 images."""
    output = folder / f"runs{number}"
    settings = {
        "output": output, "data.train": folder / "wait", "data.validation": folder / "wait-validation",
        "network.name": "resnet18_32x32", "training.epochs": 1, "training.batch": 128, "compute.threads": 1,
    }
    words = ["mpirun", "--quiet", "-n", "2", PROGRAM, "train"]
    for key, value in settings.items():
        words += ["--set", f"{key}={value}"]
    subprocess.run([str(word) for word in words], stdout=subprocess.DEVNULL, check=True)
    lines = (output / "run/s0/metrics.jsonl").read_text().splitlines()
    return next(report["shares"]["data"] for report in map(json.loads, lines) if report["event"] == "epoch")


def on_one_core(body):
    """Runs `body`, and the processes that it starts, on the last of the cores."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        return body()
    finally:
        os.sched_setaffinity(0, cores)


def row(title, pairs):
    rates = [f"{compare.middle(pairs, side, 'imagesPerSecond'):,.0f}" for side in range(2)]
    return [title, *rates, compare.ratio(pairs), compare.percent(max(compare.shares(pairs)))]


def names(text):
    wanted = text.split(",")
    known = [*ROWS, MEMORY, WAIT]
    for name in wanted:
        if name not in known:
            raise argparse.ArgumentTypeError(f"'{name}', expected some of {', '.join(known)}")
    return wanted


def measure(folder, options):
    """The contents of the table: rows with their pairs, memory reports, and fractions of waiting."""
    wanted = set(options.rows)
    sets = {ROWS[name][1] for name in wanted if name in ROWS} | ({"cifar"} if MEMORY in wanted else set())
    if "cifar" in sets:
        make_cifar(folder)
    if sets & {"imagenet", "large"}:
        make_imagenet(folder)
    if "large" in sets:
        make_large(folder)
    rows = []
    for name, (title, data, own, other) in ROWS.items():
        if name in wanted:
            rows.append((title, on_one_core(lambda: compare.in_turn(
                title, options.pairs, lambda: ours(folder, data, own, options.seconds),
                lambda: theirs(folder, data, other, options.seconds)))))
    memory, waits = None, []
    if MEMORY in wanted:
        memory = ours(folder, "cifar", ["--batch", 128], options.seconds, RECORDS)
    if WAIT in wanted:
        pack(folder, "wait", DATA / "cifar10/cifar10-jpeg-train.tar.gz", "--limit", 1280, "--class-count", 10)
        pack(folder, "wait-validation", DATA / "cifar10/cifar10-jpeg-test.tar.gz", "--limit", 64, "--class-count", 10)
        waits = [wait_share(folder, number) for number in range(options.pairs)]
    return rows, memory, waits


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="compare-loader")
    parser.add_argument("--rows", type=names, default=[*ROWS, MEMORY, WAIT])
    parser.add_argument("--pairs", type=compare.count, default=5)
    parser.add_argument("--seconds", type=compare.count, default=5)
    options = parser.parse_args(arguments)
    for archive in (CIFAR, IMAGENET):
        if not (DATA / archive).exists():
            sys.exit(f"compare-loader: no {archive} in {DATA}: set T2FNORM_DATA to the folder of the image sets")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rows, memory, waits = measure(folder, options)
        files = list(describe(folder))
    peer = rows[0][1][0][1]["version"] if rows else "not run"
    print(f"{compare.machine()}; {datetime.date.today()}; {compare.versions('PyTorch ' + peer)}.")
    print(f"One core for both; medians of {options.pairs} paired runs of {options.seconds} s; *others* is the largest share of the "
          f"core that other programs used during a run. {'; '.join(files)}.\n")
    warning = compare.disturbance([share for _, pairs in rows for share in compare.shares(pairs)])
    if warning:
        print(f"**{warning.capitalize()}.**\n")
    if rows:
        compare.print_table(["", "img/s", "PyTorch", "ratio", "others"], [row(*each) for each in rows])
    if memory:
        early, late = memory["earlyByteCount"], memory["lateByteCount"]
        print(f"\nLoader's process over {memory['images']:,} records: {early / 1e6:.1f} MB after a quarter, {late / 1e6:.1f} MB at the "
              f"end ({100 * (late / early - 1):+.1f} %); {1e3 * memory['startSeconds']:.0f} ms to a batch in the middle of an epoch.")
    if waits:
        print(f"\nResNet-18/CIFAR training on two ranks waits for data {100 * statistics.median(waits):.2f} % of its time "
              f"({100 * min(waits):.2f} to {100 * max(waits):.2f} in {len(waits)} runs).")
    if warning:
        print(f"compare-loader: {warning}", file=sys.stderr)


if __name__ == "__main__":
    main()
