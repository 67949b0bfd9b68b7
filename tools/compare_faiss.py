"""Runs `t2fnorm bench neighbors` and faiss-cpu's flat index in turn and prints the results; see tools/compare-faiss."""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

PROGRAM = pathlib.Path(__file__).resolve().parents[1] / ".build/release/t2fnorm"


def ours(options, k):
    """The median time of three searches in seconds, from queries to confidences."""
    command = [PROGRAM, "bench", "neighbors", "--json", "--rounds", 3, "--k", k, "--threads", options.threads,
               "--bank", options.bank, "--queries", options.queries, "--dimension", options.dimension]
    return json.loads(subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout)["seconds"]


def theirs(options, k):
    command = [sys.executable, __file__, "--faiss", "--k", k, "--threads", options.threads, "--bank", options.bank,
               "--queries", options.queries, "--dimension", options.dimension]
    return float(subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True).stdout)


def search(options, k):
    """The same search by faiss: random unit vectors, one untimed search and three timed ones."""
    import faiss
    import numpy as np

    faiss.omp_set_num_threads(options.threads)
    generator = np.random.default_rng(1)

    def unit(count):
        rows = generator.random((count, options.dimension), dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    index = faiss.IndexFlatL2(options.dimension)
    index.add(unit(options.bank))
    queries, times = unit(options.queries), []
    for _ in range(4):
        start = time.perf_counter()
        index.search(queries, k)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--k", default="50,1000")
    parser.add_argument("--bank", type=int, default=50_000)
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--faiss", action="store_true")
    options = parser.parse_args(arguments)
    if options.faiss:
        print(search(options, int(options.k)))
        return
    import faiss

    print(f"{options.queries} queries, bank of {options.bank} × {options.dimension}, {options.threads} threads; faiss-cpu {faiss.__version__}\n")
    print("| k | t2fnorm, s | faiss, s | faiss over t2fnorm |\n|---|---|---|---|")
    for k in (int(part) for part in options.k.split(",")):
        pairs = [(ours(options, k), theirs(options, k)) for _ in range(options.pairs)]
        ratios = sorted(b / a for a, b in pairs)
        first, second = (statistics.median(column) for column in zip(*pairs))
        print(f"| {k} | {first:.2f} | {second:.2f} | {statistics.median(ratios):.2f} ({ratios[0]:.2f}..{ratios[-1]:.2f}) |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
