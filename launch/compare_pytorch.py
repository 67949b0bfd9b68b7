"""Runs `t2fnorm bench step` and PyTorch in turn and prints what came out as a Markdown table; see launch/compare-pytorch."""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What is shown, the network, the mode and the images in a step.
ROWS = {
    "resnet18-training": ("ResNet-18/CIFAR training, batch 128", "resnet18_32x32", "training", 128),
    "resnet50-training": ("ResNet-50/224 training, batch 32", "resnet50", "training", 32),
    "resnet18-inference": ("ResNet-18/CIFAR inference, batch 200", "resnet18_32x32", "inference", 200),
    "resnet50-inference": ("ResNet-50/224 inference, batch 32", "resnet50", "inference", 32),
}
THREADS = "threads"


def run(command, threads):
    """The report of one process, which prints a line of JSON."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    outcome = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, env=environment)
    if outcome.returncode != 0:
        sys.exit(outcome.returncode if outcome.returncode > 0 else 6)
    return json.loads(outcome.stdout)


def step(program, network, mode, batch, threads, steps):
    return run([
        *program, "--network", network, "--mode", mode, "--batch", batch, "--threads", threads, "--steps", steps,
    ], threads)


def ours(*arguments):
    return step([ROOT / ".build/release/t2fnorm", "bench", "step", "--json"], *arguments)


def theirs(*arguments):
    return step([sys.executable, ROOT / "launch/pytorch_step.py"], *arguments)


def in_turn(title, count, first, second):
    """Reports of `first` and `second`, run A B A B."""
    pairs = []
    for number in range(1, count + 1):
        pairs.append((first(), second()))
        rates = " against ".join(f"{report['imagesPerSecond']:.2f}" for report in pairs[-1])
        print(f"{title}, pair {number} of {count}: {rates} img/s", file=sys.stderr, flush=True)
    return pairs


def middle(pairs, side, key):
    return statistics.median(pair[side][key] for pair in pairs)


def ratio(pairs):
    """The median over pairs of the rates' ratio, and how far it spreads."""
    ratios = [a["imagesPerSecond"] / b["imagesPerSecond"] for a, b in pairs]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})"


def comparison(pairs):
    rates = [f"{middle(pairs, side, 'imagesPerSecond'):.1f}" for side in range(2)]
    bytes = [middle(pairs, side, "peakByteCount") for side in range(2)]
    return [*rates, ratio(pairs), *(f"{count / 1e9:.2f}" for count in bytes), f"{bytes[0] / bytes[1]:.2f}"]


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


def print_table(header, rows):
    print("|", " | ".join(header), "|")
    print("|---" + "|---:" * (len(header) - 1) + "|")
    for row in rows:
        print("|", " | ".join(row), "|", flush=True)


def names(text):
    wanted = text.split(",")
    for name in wanted:
        if name not in [*ROWS, THREADS]:
            raise argparse.ArgumentTypeError(f"'{name}', expected some of {', '.join([*ROWS, THREADS])}")
    return wanted


def count(text):
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}', expected a number from 1 up")
    return int(text)


def main():
    parser = argparse.ArgumentParser(prog="compare-pytorch")
    parser.add_argument("--rows", type=names, default=[*ROWS, THREADS])
    parser.add_argument("--pairs", type=count, default=5)
    parser.add_argument("--steps", type=count, default=5)
    parser.add_argument("--threads", type=count, default=2)
    options = parser.parse_args()
    # All is measured before anything is printed, so that a table is never half one.
    rows = []
    for name in [name for name in ROWS if name in options.rows]:
        title, *work = ROWS[name]
        arguments = (*work, options.threads, options.steps)
        pairs = in_turn(title, options.pairs, lambda: ours(*arguments), lambda: theirs(*arguments))
        rows.append([title, *comparison(pairs)])
    scaling = []
    if THREADS in options.rows:
        title, *work = ROWS["resnet18-training"]
        pairs = in_turn(
            f"{title}, {options.threads} threads against 1", options.pairs,
            *(lambda threads=threads: ours(*work, threads, options.steps) for threads in (options.threads, 1)))
        rates = [f"{middle(pairs, side, 'imagesPerSecond'):.1f}" for side in range(2)]
        scaling.append([title, *rates, ratio(pairs)])

    print(f"{processor()}, {os.cpu_count()} cores seen, {datetime.date.today()}; PyTorch {torch.__version__}, "
          f"channels-last, single precision.")
    print(f"{options.threads} threads each; medians of {options.pairs} paired runs of {options.steps} steps; "
          f"ratios are ours / PyTorch's, with the least and the greatest of a pair.\n")
    if rows:
        print_table(["", "img/s", "PyTorch", "ratio", "peak GB", "PyTorch", "ratio"], rows)
    if scaling:
        print()
        print_table(["", f"{options.threads} threads, img/s", "1 thread", "ratio"], scaling)


if __name__ == "__main__":
    main()
