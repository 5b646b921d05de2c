#!/usr/bin/env python3
"""Compares two builds of shardctl on the same index: the same answers, and speed after over before.

    Benchmarks/before_after.py --before OLD/shardctl --after .build/release/shardctl \\
        --store file:///data/idx --index photos --queries q.fbin [--nprobe 24 --refine 30] [--rounds 9] [--results Benchmarks/RESULTS.md]

Both programs take turns, one round after the other, on one core; a ratio is the median over the rounds. Over HTTP each
round starts both servers on core 0 and loads them from core 1. Answers are compared byte by byte, also at k 1 and 100,
cold and in batches. Exit status 1 if any differ.
"""
import argparse, pathlib, statistics, sys, tempfile
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Scripts"))
import json
import numpy as np
import common, served, serve_load as load

WAYS = {
    "single, in memory": (["--resident", "all", "--batch", 1], 20),
    "batches of 1,000, in memory": (["--resident", "all", "--batch", 1000], 20),
    "single, rows read from files": (["--resident", "codes", "--batch", 1], 1),
    "cold, from the store's folder": (["--cold"], 1),
}
HTTP = "single, over HTTP"
CORE = 1


def query(given, program, queries, k, options, output):
    said = common.run(program, "query", "--store", given.store, "--index", given.index, "--vectors", queries, "--k", k, "--nprobe",
                      given.nprobe, "--refine", max(given.refine, k), "--threads", 1, "--stats", "--quiet", "--output", output, *options, cores=[CORE])
    return json.loads(said.strip().splitlines()[-1])["qps"]


def differing(given, folder):
    """The ways and depths at which the two builds give different answers."""
    found = []
    for k in (1, 10, 100):
        for name, (options, _) in WAYS.items():
            for program, output in ((given.before, "before"), (given.after, "after")):
                query(given, program, given.queries, k, options, folder / output)
            if (folder / "before").read_bytes() != (folder / "after").read_bytes():
                found.append(f"{name}, k {k}")
    return found


def over_http(given, program, loader, requests):
    server = served.Server("--store", given.store, "--index", given.index, "--threads", 1, "--log-level", "error", program=program, cores=[0])
    try:
        loader.run(server, requests, 1, 1)
        return loader.run(server, requests, 4, 1).rate
    finally:
        server.stop()


def ratios(given, folder):
    """Queries a second of both builds, a pair for each round, by way."""
    rows = load.rows(given.queries)
    tiled = {tiles: given.queries if tiles == 1 else load.write_rows(folder / f"x{tiles}{given.queries.suffix}", np.tile(rows, (tiles, 1)))
             for tiles in {tiles for _, tiles in WAYS.values()}}
    bodies = [load.search_request(given.index, {"vector": load.base64_of(row), "k": 10, "nprobe": given.nprobe, "refine": given.refine})
              for row in rows.astype("<f4")]
    requests, loader = load.write_requests(folder / "requests", bodies), load.Loader(folder, [CORE])
    pairs = {}
    for _ in range(given.rounds):
        for name, (options, tiles) in WAYS.items():
            pairs.setdefault(name, []).append([query(given, program, tiled[tiles], 10, options, folder / "hits") for program in (given.before, given.after)])
        pairs.setdefault(HTTP, []).append([over_http(given, program, loader, requests) for program in (given.before, given.after)])
    return pairs


def section(given, pairs, differ):
    lines = [f"| {name} | {statistics.median(a for a, _ in found):,.0f} | {statistics.median(b for _, b in found):,.0f} | "
             f"**{statistics.median(b / a for a, b in found):.3f}** | {min(b / a for a, b in found):.2f} to {max(b / a for a, b in found):.2f} |"
             for name, found in pairs.items()]
    return "\n".join([
        f"## One build beside the other: {given.title}", "",
        f"{common.machine()}. {given.about} nprobe {given.nprobe}, {given.refine} rows refined, one thread, {given.rounds} rounds in turn.", "",
        "    Benchmarks/before_after.py --before BEFORE --after AFTER --store STORE --index INDEX --queries QUERIES", "",
        "| search | before, QPS | after, QPS | after / before | rounds |", "|---|---|---|---|---|", *lines, "",
        "Answers at k 1, 10 and 100 in each of the first four ways: " + ("the same bytes." if not differ else "different in " + "; ".join(differ) + ".")])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True), parser.add_argument("--after", required=True)
    parser.add_argument("--store", required=True), parser.add_argument("--index", required=True)
    parser.add_argument("--queries", required=True, type=pathlib.Path)
    parser.add_argument("--nprobe", type=int, default=24), parser.add_argument("--refine", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--title", default="this one beside the last"), parser.add_argument("--about", default="")
    parser.add_argument("--results", type=pathlib.Path, help="a Markdown file whose section of this title is replaced")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        differ = differing(given, folder)
        text = section(given, ratios(given, folder), differ)
    print(text)
    if given.results:
        common.replace_section(given.results, text)
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
