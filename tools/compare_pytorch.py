"""Runs `t2fnorm bench step` and its peers in turn and prints the results as a Markdown table; see tools/compare-pytorch."""

import argparse
import datetime
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The title, the network, the mode and the images per step.
ROWS = {
    "resnet18-training": ("ResNet-18/CIFAR training, batch 128", "resnet18_32x32", "training", 128),
    "resnet50-training": ("ResNet-50/224 training, batch 32", "resnet50", "training", 32),
    "resnet18-inference": ("ResNet-18/CIFAR inference, batch 200", "resnet18_32x32", "inference", 200),
    "resnet50-inference": ("ResNet-50/224 inference, batch 32", "resnet50", "inference", 32),
}
THREADS = "threads"
# The names of a precision in both programs.
PRECISIONS = {"single": ("float32", "float32"), "low": ("mixed", "bfloat16")}
BEST = "each at its best"
# What runs the other side, as tools/pytorch_step.py names it. Training is compared with the first alone.
RUNTIMES = {"eager": "PyTorch", "compiled": "PyTorch compiled and frozen", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
# ONNX Runtime computes in single precision on x86-64.
SINGLE_ONLY = {"onnxruntime"}
# The share of the cores above which other programs spoil a run: ratios of calm pairs differ by
# about as much.
CALM = 0.05


class Usage(NamedTuple):
    """CPU seconds on the cores so far: of all programs, of this one with its ended children, and the total available."""

    busy: float
    own: float
    total: float


def core_seconds(stat, cores):
    """The CPU seconds that all programs used on `cores`, and the total; `stat` is the text of /proc/stat."""
    names = {f"cpu{core}" for core in cores}
    busy = total = 0
    for name, *counts in (line.split() for line in stat.splitlines() if line.strip()):
        if name in names:
            # user, nice, system, idle, iowait, irq, softirq, steal;
            # the guest times that follow are part of the first two.
            ticks = [int(count) for count in counts[:8]]
            total += sum(ticks)
            busy += sum(ticks) - ticks[3] - ticks[4]
    return busy / os.sysconf("SC_CLK_TCK"), total / os.sysconf("SC_CLK_TCK")


def usage_now():
    busy, total = core_seconds(pathlib.Path("/proc/stat").read_text(), os.sched_getaffinity(0))
    own = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Usage(busy, sum(times.ru_utime + times.ru_stime for times in own), total)


def others_share(before, after):
    """The share of the cores that other programs used between two usages, from 0 to 1."""
    others = after.busy - before.busy - (after.own - before.own)
    # The kernel counts cores in ticks, but processes more finely.
    return min(max(others / max(after.total - before.total, 1e-9), 0), 1)


def run(command, threads):
    """The report of one process, which prints a line of JSON, and the share of the cores that other programs used meanwhile."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    before = usage_now()
    outcome = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, env=environment)
    after = usage_now()
    if outcome.returncode != 0:
        sys.exit(outcome.returncode if outcome.returncode > 0 else 6)
    return json.loads(outcome.stdout) | {"othersShare": others_share(before, after)}


def step(program, precision, network, mode, batch, threads, steps):
    return run([
        *program, "--precision", precision, "--network", network, "--mode", mode, "--batch", batch, "--threads", threads,
        "--steps", steps,
    ], threads)


def ours(precision, *arguments):
    return step([ROOT / ".build/release/t2fnorm", "bench", "step", "--json"], PRECISIONS[precision][0], *arguments)


def theirs(runtime, precision, *arguments):
    program = [sys.executable, ROOT / "tools/pytorch_step.py", "--runtime", runtime]
    return step(program, PRECISIONS[precision][1], *arguments) | {"runtime": runtime}


def percent(share):
    return f"{100 * share:.1f} %"


def in_turn(title, count, first, second):
    """Reports of `first` and `second`, run A B A B."""
    pairs = []
    for number in range(1, count + 1):
        pairs.append((first(), second()))
        rates = " against ".join(f"{report['imagesPerSecond']:.2f}" for report in pairs[-1])
        others = " and ".join(percent(report["othersShare"]) for report in pairs[-1])
        print(f"{title}, pair {number} of {count}: {rates} img/s; other programs used {others} of the cores",
              file=sys.stderr, flush=True)
    return pairs


def at_their_best(all_pairs):
    """The runs of each side in the precision whose median rate is higher, side by side."""
    sides = (max(all_pairs, key=lambda pairs: middle(pairs, side, "imagesPerSecond")) for side in range(2))
    return [(first[0], second[1]) for first, second in zip(*sides)]


def middle(pairs, side, key):
    return statistics.median(pair[side][key] for pair in pairs)


def ratio(pairs):
    """The median over pairs of the rates' ratio, and its spread."""
    ratios = [a["imagesPerSecond"] / b["imagesPerSecond"] for a, b in pairs]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}..{max(ratios):.2f})"


def shares(pairs):
    return [report["othersShare"] for pair in pairs for report in pair]


def row(title, pairs):
    rates = [f"{middle(pairs, side, 'imagesPerSecond'):.1f}" for side in range(2)]
    bytes = [middle(pairs, side, "peakByteCount") for side in range(2)]
    return [title, *rates, ratio(pairs), *(f"{count / 1e9:.2f}" for count in bytes), f"{bytes[0] / bytes[1]:.2f}",
            percent(max(shares(pairs)))]


def field(path, name, default):
    """The value of `name` in a file of /proc with lines `name: value`."""
    for line in pathlib.Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return default


def machine():
    memory = int(field("/proc/meminfo", "MemTotal", "0 kB").split()[0]) * 1024
    cores = len(os.sched_getaffinity(0))
    return f"{field('/proc/cpuinfo', 'model name', 'unknown processor')}, {cores} cores, {memory / 1e9:.1f} GB of memory"


def first_line(*command):
    """The first line that a program prints; empty if there is no such program."""
    try:
        outcome = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return ""
    return outcome.stdout.partition("\n")[0] if outcome.returncode == 0 else ""


def peer_versions(pairs):
    """The name and version of each other program that was measured."""
    known = {RUNTIMES[theirs["runtime"]].split(" compiled")[0]: theirs["version"] for _, theirs in pairs if "runtime" in theirs}
    return ", ".join(f"{name} {version}" for name, version in known.items()) or "PyTorch not run"


def versions(others):
    """Our version, beside those of the others."""
    commit = first_line("git", "describe", "--always", "--dirty") or "without git"
    swift = first_line("swift", "--version").partition("Swift version ")[2].split(" ")[0] or "unknown"
    cpu = os.environ.get("T2FNORM_CPU", "native")
    return f"t2fnorm {commit} for CPU {cpu} (Swift {swift}), {others}"


def disturbance(shares):
    """The warning about runs beside other programs; empty if these used little."""
    spoilt = [share for share in shares if share > CALM]
    if not spoilt:
        return ""
    return (f"not a quiet machine: in {len(spoilt)} of {len(shares)} runs other programs used more than {100 * CALM:.0f} % "
            f"of the cores, up to {percent(max(spoilt))}; run it again without other load")


def print_table(header, rows):
    print("|", " | ".join(header), "|")
    print("|---" + "|---:" * (len(header) - 1) + "|")
    for row in rows:
        print("|", " | ".join(row), "|", flush=True)


def some_of(known):
    def names(text):
        wanted = text.split(",")
        for name in wanted:
            if name not in known:
                raise argparse.ArgumentTypeError(f"'{name}', expected some of {', '.join(known)}")
        return wanted
    return names


def count(text):
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"'{text}', expected a number from 1 up")
    return int(text)


def peers(options, mode):
    """The precisions and programs that a row compares."""
    for precision in options.precision:
        for runtime in options.runtimes if mode == "inference" else ["eager"]:
            if precision == "single" or runtime not in SINGLE_ONLY:
                yield precision, runtime


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="compare-pytorch")
    parser.add_argument("--rows", type=some_of([*ROWS, THREADS]), default=[*ROWS, THREADS])
    parser.add_argument("--precision", type=some_of([*PRECISIONS]), default=[*PRECISIONS])
    parser.add_argument("--runtimes", type=some_of([*RUNTIMES]), default=[*RUNTIMES])
    parser.add_argument("--pairs", type=count, default=5)
    parser.add_argument("--steps", type=count, default=5)
    parser.add_argument("--threads", type=count, default=2)
    options = parser.parse_args(arguments)
    # Everything is measured before anything is printed, so that no table is incomplete.
    measured = []
    for name in [name for name in ROWS if name in options.rows]:
        title, *work = ROWS[name]
        own = []
        for precision, runtime in peers(options, work[1]):
            step, row_title = (precision, *work, options.threads, options.steps), f"{title}, {precision} precision"
            if runtime != "eager":
                row_title += f", against {RUNTIMES[runtime]}"
            own.append((row_title, in_turn(row_title, options.pairs, lambda: ours(*step), lambda: theirs(runtime, *step))))
        measured += own
        if len(own) > 1:
            measured.append((f"{title}, {BEST}", at_their_best([pairs for _, pairs in own])))
    all_pairs = [pair for _, pairs in measured for pair in pairs]
    if THREADS in options.rows:
        title, *work = ROWS["resnet18-training"]
        title += f": {options.threads} threads against 1, both ours"
        measured.append((title, in_turn(
            title, options.pairs,
            *(lambda threads=threads: ours("single", *work, threads, options.steps) for threads in (options.threads, 1)))))

    all_shares = [share for _, pairs in measured for share in shares(pairs)]
    warning = disturbance(all_shares)
    print(f"{machine()}; {datetime.date.today()}; {versions(peer_versions(all_pairs))}, channels-last; low "
          f"precision is ours with compute.precision=mixed and PyTorch's autocast to bfloat16.")
    print(f"{options.threads} threads each; medians of {options.pairs} paired runs of {options.steps} steps; ratios are "
          f"ours / the other's, with the least and the greatest of a pair; *others* is the largest share of the cores "
          f"that other programs used during a run (mean of all runs: {percent(statistics.mean(all_shares))}).\n")
    if warning:
        print(f"**{warning.capitalize()}.**\n")
    print_table(["", "img/s", "peer", "ratio", "peak GB", "peer", "ratio", "others"],
                [row(title, pairs) for title, pairs in measured])
    if warning:
        print(f"compare-pytorch: {warning}", file=sys.stderr)


if __name__ == "__main__":
    main()
