#!/usr/bin/env python3
"""Compares the recall that analyze-performance reports with exact search in NumPy.

    Scripts/check-recall.py --programs .build/release --store file:///data/idx --index mnist \\
        --vectors base.u8bin --queries queries.u8bin [--max-queries 1000] [--nprobe 8]

External ids have to be row numbers. Runs analyze-performance and, with the same settings, shardctl query; computes the exact
neighbours of the same queries itself (all of them, if the file has no more than --max-queries), and prints both figures. Exit
status 1 where they differ by 0.0005 or more. Needs numpy.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy

TYPES = {".u8bin": numpy.uint8, ".i8bin": numpy.int8, ".fbin": numpy.float32}


def read(path):
    rows, columns = numpy.fromfile(path, numpy.uint32, 2)
    return numpy.memmap(path, TYPES[pathlib.Path(path).suffix], "r", 8, (rows, columns))


def distances(queries, base):
    """Squared distances, exact for integers because all sums stay below 2^53."""
    found = numpy.empty((len(queries), len(base)))
    queries = queries.astype(numpy.float64)
    for first in range(0, len(base), 20_000):
        block = base[first:first + 20_000].astype(numpy.float64)
        found[:, first:first + len(block)] = (
            (queries ** 2).sum(1)[:, None] + (block ** 2).sum(1)[None] - 2 * queries @ block.T)
    return found


def recall(answers, exact, k):
    """The share found of the k nearest, with ties. float32 files get a small tolerance."""
    limits = numpy.partition(exact, k - 1, axis=1)[:, k - 1]
    found = [sum(exact[q, i] <= limits[q] * (1 + 1e-12) for i in ids[:k]) for q, ids in enumerate(answers)]
    return sum(min(k, n) for n in found) / (k * len(answers))


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"check-recall: {' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("programs", "store", "index", "vectors", "queries"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--max-queries", type=int, default=1000)
    parser.add_argument("--nprobe", type=int)
    options = parser.parse_args()
    programs = pathlib.Path(options.programs)
    queries = numpy.asarray(read(options.queries))
    if len(queries) > options.max_queries:
        sys.exit(f"check-recall: {options.queries} has {len(queries)} queries, and which are drawn is not known here; "
                 f"give a file of at most --max-queries {options.max_queries}")
    target = ["--store", options.store, "--index", options.index]
    probes = ["--nprobe", options.nprobe] if options.nprobe else []
    report = json.loads(run(
        programs / "analyze-performance", *target, "--vectors", options.vectors, "--queries", options.queries, *probes,
        "--max-queries", options.max_queries, "--budget-seconds", 100000, "--load-seconds", 0.2, "--curve-points", 0, "--cold-queries", 0,
        "--no-truth-cache", "--json"))
    exact = distances(queries, read(options.vectors))
    usual = report["settings"]["refineDepth"]
    worst = 0.0
    for line in report["recall"]:
        k = line["k"]
        depth = usual if k == report["settings"]["k"] else max(usual, 10 * k)
        hits = run(programs / "shardctl", "query", *target, "--vectors", options.queries, "-k", k,
                   "--nprobe", report["settings"]["nprobe"], "--refine", depth, "--quiet")
        answers = [[int(hit["id"]) for hit in json.loads(text)["hits"]] for text in hits.splitlines()]
        own = recall(answers, exact, k)
        worst = max(worst, abs(own - line["recall"]))
        print(f"recall@{k}: reported {line['recall']:.5f} ({line['low']:.4f} to {line['high']:.4f}), NumPy {own:.5f}")
    print(f"largest difference {worst:.6f} over {len(queries)} queries")
    return 0 if worst < 0.0005 else 1


if __name__ == "__main__":
    sys.exit(main())
