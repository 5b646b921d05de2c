#!/usr/bin/env python3
"""What first-tier codes of several sizes cost at equal recall: an index of each, searched in turn.

    Benchmarks/code_sizes.py --shardctl .build/release/shardctl --vectors base.fbin --sizes 10 16 24 \\
        (--queries q.fbin | --hold-out 1000) [--first 100000] [--metric cosine] [--shard-size 5000]

Prints a table for docs/search-path.md. Microseconds are a query's median, `--resident all`, one thread on one core, between the two
settings (nprobe, refine depth) around a recall; codes and rows are those of the cheapest setting that reaches it, and so are the
bytes a cold query reads. Needs NumPy.
"""
import argparse, json, os, pathlib, statistics, sys, tempfile
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))
import common, vectors  # noqa: E402
from common import Failed  # noqa: E402
from measure import front, rate_at  # noqa: E402

K = 10
COLD_QUERIES = 100
PROBES = [4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192]
DEPTHS = [20, 25, 30, 40, 50, 60, 80, 120, 160, 240, 320]


def prepare(given, folder):
    """Vectors and queries as files, and the exact neighbours."""
    rows = vectors.mapped(given.vectors)[: given.first]
    if given.hold_out:
        chosen = np.arange(0, len(rows), len(rows) // given.hold_out)[: given.hold_out]
        queries, rows = rows[chosen], np.delete(rows, chosen, 0)
    else:
        queries = vectors.mapped(given.queries)[: vectors.QUERIES]
    base, asked, cold = (folder / f"{name}{given.vectors.suffix}" for name in ("base", "queries", "cold"))
    for path, part in ((base, rows), (asked, queries), (cold, queries[:COLD_QUERIES])):
        vectors.write(path, part)
    near, far = (np.asarray(part, np.float32) for part in (rows, queries))
    if given.metric == "cosine":
        near, far = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (near, far))
    places = np.concatenate([np.argpartition((near * near).sum(1) - 2 * (part @ near.T), K, axis=1)[:, :K]
                             for part in np.array_split(far, 10)])
    return base, asked, cold, [set(row.tolist()) for row in places]


class Index:
    """An index of one code size: what each setting took and found."""

    def __init__(self, given, folder, size, base):
        self.given, self.size, self.folder = given, size, folder
        self.place = ["--store", f"file://{folder}/{size}", "--index", "codes"]
        common.run(given.shardctl, "train", *self.place, "--vectors", base, "--metric", given.metric, "--shard-size",
                   given.shard_size, "--code-size", size, "--tune-queries", 0, "--quiet")
        common.run(given.shardctl, "publish", *self.place, "--no-tune", "--quiet")
        described = json.loads(common.run(given.shardctl, "inspect", *self.place, "--json"))
        index = described.get("index", described)
        self.quantizer, self.stored = index["quantizer"], sum(shard["bytes"] for shard in index["shards"])
        self.times, self.recalls, self.stats = {}, {}, {}

    def query(self, setting, queries, *more):
        return common.run(self.given.shardctl, "query", *self.place, "--vectors", queries, "--k", K, "--nprobe", setting[0], "--refine",
                          setting[1], "--threads", 1, "--stats", "--quiet", *more, cores=[self.given.core]).splitlines()

    def measure(self, setting, queries, truth):
        hits = self.folder / "hits.jsonl"
        self.stats[setting] = json.loads(self.query(setting, queries, "--resident", "all", "--output", hits)[-1])
        self.times.setdefault(setting, []).append(self.stats[setting]["p50_ms"] * 1000)
        if setting not in self.recalls:
            found = [len({int(hit["id"]) for hit in answer["hits"]} & truth[answer["query"]]) for answer in map(json.loads, open(hits))]
            self.recalls[setting] = sum(found) / (K * len(truth))

    def points(self):
        return [(self.recalls[setting], 1e6 / statistics.median(times), setting) for setting, times in self.times.items()]

    def row(self, recall, cold):
        shape = f"{self.quantizer['subquantizers'] * self.quantizer['bits'] // 8} | {self.quantizer['subdimension']} | {self.stored / 1e6:.1f} MB"
        rate = rate_at(recall, self.points())
        if rate is None:
            return f"| {recall} | {shape} | not reached | – | – | – |"
        setting = next(point[2] for point in front(self.points()) if point[0] >= recall)
        receipts = [json.loads(line)["receipt"] for line in self.query(setting, cold, "--cold", "--explain")[:-1]]
        stats, read = self.stats[setting], statistics.mean(receipt["bytesRead"] for receipt in receipts)
        return (f"| {recall} | {shape} | {1e6 / rate:.1f} | {stats['codes_scanned']:,.0f} | {stats['rows_refined']:,.0f} | "
                f"{read / 1000:,.0f} kB |")


def table(given, folder):
    base, queries, cold, truth = prepare(given, folder)
    indexes = [Index(given, folder, size, base) for size in given.sizes]
    for _ in range(given.rounds):
        for setting in [(probe, depth) for probe in PROBES for depth in DEPTHS]:
            for index in indexes:
                # What is far below or far above says nothing about the recalls asked for.
                if min(given.recalls) - 0.05 <= index.recalls.get(setting, min(given.recalls)) <= max(given.recalls) + 0.005:
                    index.measure(setting, queries, truth)
    return ["| recall@10 | bytes of code | dimensions each | shards stored | µs a query | codes | rows | read by a cold query |",
            "|---|---|---|---|---|---|---|---|"] + [index.row(recall, cold) for recall in given.recalls for index in indexes]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shardctl", type=pathlib.Path, required=True, help="shardctl of a release build")
    parser.add_argument("--vectors", type=pathlib.Path, required=True, help=".fbin, .u8bin or .i8bin")
    parser.add_argument("--first", type=int, help="take so many of the vectors; all unless given")
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--queries", type=pathlib.Path, help=f"the first {vectors.QUERIES:,} of them are asked")
    asked.add_argument("--hold-out", type=int, default=0, help="ask so many of the vectors, left out of the index")
    parser.add_argument("--sizes", type=int, nargs="+", required=True, help="bytes a code may take")
    parser.add_argument("--recalls", type=float, nargs="+", default=[0.95, 0.99])
    parser.add_argument("--metric", choices=["l2", "cosine"], default="l2")
    parser.add_argument("--shard-size", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core queries are pinned to")
    given = parser.parse_args()
    if not given.shardctl.is_file() or not given.vectors.is_file() or given.rounds < 1 or given.hold_out < 0:
        parser.error("--shardctl is a program, --vectors a file, --rounds at least 1")
    given.shardctl = given.shardctl.resolve()
    return given


def main():
    given = arguments()
    try:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{common.machine()}, load {os.getloadavg()[0]:.1f}\n", *table(given, pathlib.Path(folder)), sep="\n")
    except Failed as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
