#!/usr/bin/env python3
"""How Tessera scales on one machine: two threads over one, and ten million vectors over one million.

    Benchmarks/scaling.py --data DATA --shardctl .build/release/shardctl [--parts threads growth costs]

Writes its section of Benchmarks/RESULTS.md. The indexes are those of Benchmarks/peers/run.py, made where they are
missing; its README says what the data folder holds. Needs NumPy; counts cycles where `perf` is there and may.
"""
import argparse, datetime, os, pathlib, re, shutil, statistics, subprocess, sys
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))
import common, vectors  # noqa: E402
from common import Failed  # noqa: E402
from measure import rate_at  # noqa: E402
from tessera import BATCH, TRAIN, Tessera  # noqa: E402

TARGET = 0.95
MODES = {"single": "one query at a time", "batch": "batches of 1,000"}
# Around recall 0.95. The first is also what two threads are measured with.
SETTINGS = {1: [(24, 40), (20, 30), (24, 30), (28, 30), (32, 40)],
            10: [(16, 40), (20, 40), (24, 40), (32, 40)]}
FEW, MANY = 2, 20
# Far apart in both, so that what a code and a row take can be told from each other.
COSTS = [(4, 10), (4, 40), (4, 160), (4, 640), (16, 10), (16, 40), (16, 160), (16, 640), (64, 10), (64, 40), (64, 160), (64, 640)]


def setting(pair):
    return {"nprobe": pair[0], "refine": pair[1]}


class Measured(Tessera):
    """An index, and what its queries take."""

    def __init__(self, given, millions):
        dataset = vectors.synthetic(given.data, millions)
        super().__init__(given.shardctl, dataset, next(iter(TRAIN[dataset.name])), given.data / "peers", 0.3)
        self.counts = given.perf
        self.build(given.build_threads)

    def stats(self, pair, mode="single", tiles=MANY, cores=(0,)):
        return self._query(self._file(tiles), setting(pair), mode, len(cores), list(cores))

    def recall(self, pair, core):
        self.stats(pair, tiles=1, cores=[core])
        return self._recall()

    def cycles(self, pair, mode, core):
        """A query's, in user mode: of many queries less a few, so that loading drops out. None without perf."""
        if not self.counts:
            return None
        few, many = (self._cycles(pair, mode, tiles, core) for tiles in (FEW, MANY))
        return (many - few) / ((MANY - FEW) * vectors.QUERIES)

    def _cycles(self, pair, mode, tiles, core):
        command = ["perf", "stat", "-x", ",", "-e", "cycles:u", "taskset", "-c", core, self.shardctl, "query", "--store",
                   self.store, "--index", "peers", "--vectors", self._file(tiles), "--k", 10, "--nprobe", pair[0], "--refine",
                   pair[1], "--threads", 1, "--batch", BATCH[mode], "--output", "/dev/null", "--quiet", "--resident", "all"]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        found = re.search(r"^(\d+),[^,]*,cycles", done.stderr, re.MULTILINE)
        if done.returncode or not found:
            raise Failed(done.stderr[-2000:])
        return int(found[1])


def threads(given):
    tessera, cores = Measured(given, 1), sorted(os.sched_getaffinity(0))[-2:]
    if len(cores) < 2:
        return ["### Two threads over one", "", "There is one core only.", ""]
    pair, rows = SETTINGS[1][0], []
    for mode, words in MODES.items():
        rates = {1: [], 2: []}
        for number in range(given.rounds):
            for count in (1, 2) if number % 2 == 0 else (2, 1):
                rates[count].append(tessera.stats(pair, mode, cores=cores[-count:])["qps"])
        one, two = (statistics.median(rates[count]) for count in (1, 2))
        rows.append(f"| {words} | {one:,.0f} | {two:,.0f} | {two / one:.2f} | {min(t / o for o, t in zip(rates[1], rates[2])):.2f} to "
                    f"{max(t / o for o, t in zip(rates[1], rates[2])):.2f} |")
    return ["### Two threads over one", "",
            f"1 million x 96, `--nprobe {pair[0]} --refine {pair[1]} --resident all`, {MANY * vectors.QUERIES:,} queries a run, pinned to as many "
            f"cores as threads, in turn; medians of {given.rounds} rounds.", "",
            "| how | one thread, QPS | two threads | ratio | round by round |", "|---|---|---|---|---|"] + rows + [""]


def growth(given):
    """Each round goes through both indexes, setting by setting, so that a busy machine is busy for both."""
    sizes, core = {millions: Measured(given, millions) for millions in (1, 10)}, given.core
    recalls = {size: {pair: index.recall(pair, core) for pair in SETTINGS[size]} for size, index in sizes.items()}
    used = {size: near(recalls[size]) for size in sizes}
    lines, rows, seen = [], [], {}
    for mode, words in MODES.items():
        for _ in range(given.rounds):
            for place in range(max(len(pairs) for pairs in used.values())):
                for size, index in sizes.items():
                    if place < len(used[size]):
                        pair = used[size][place]
                        seen.setdefault((size, mode, pair), []).append(
                            (index.stats(pair, mode, cores=[core]), index.cycles(pair, mode, core)))
        rate, work = {}, {}
        for size in sizes:
            measured = {pair: seen[size, mode, pair] for pair in used[size]}
            rate[size] = rate_at(TARGET, [(recalls[size][pair], statistics.median(s["qps"] for s, _ in runs), setting(pair))
                                          for pair, runs in measured.items()])
            counted = [(recalls[size][pair], 1 / statistics.median(c for _, c in runs), setting(pair))
                       for pair, runs in measured.items()] if given.perf else []
            per_second = rate_at(TARGET, counted)
            work[size] = 1 / per_second if per_second else None
        fall = f"{rate[1] / rate[10]:.2f}" if rate[1] and rate[10] else "–"
        more = f"{work[10] / work[1]:.2f}" if work[1] and work[10] else "–"
        rows.append(f"| {words} | {rate[1] or 0:,.0f} | {rate[10] or 0:,.0f} | {fall} | {work[1] or 0:,.0f} | {work[10] or 0:,.0f} | {more} |")
    for size in sizes:
        for pair in used[size]:
            runs = seen[size, "single", pair]
            stats = runs[0][0]
            cycles = statistics.median(c for _, c in runs) if given.perf else 0
            lines.append(f"| {size} million | {pair[0]} | {pair[1]} | {recalls[size][pair]:.4f} | {statistics.median(s['qps'] for s, _ in runs):,.0f} | "
                         f"{cycles:,.0f} | {stats['codes_scanned']:,.0f} | {stats['rows_refined']:,.0f} | {stats['rss_mb']:,.0f} |")
    return [f"### Ten million vectors over one million, at recall@10 = {TARGET}", "",
            f"One thread on one core, `--resident all`, 96 dimensions, {MANY * vectors.QUERIES:,} queries a run; medians of {given.rounds} rounds, both "
            "sizes in turn. Cycles are a query's in user mode.", "",
            "| how | 1 million, QPS | 10 million, QPS | falls by | 1 million, cycles | 10 million, cycles | grows by |",
            "|---|---|---|---|---|---|---|"] + rows + ["",
            "| | nprobe | refine | recall@10 | QPS, singly | cycles | codes | rows | RSS, MB |", "|---|---|---|---|---|---|---|---|---|"] + lines + [""]


def near(recalls):
    """The settings that the rate at the target lies between, by recall; all that reach it compete."""
    kept = [pair for pair, recall in recalls.items() if TARGET - 0.02 <= recall <= TARGET + 0.02]
    return kept or list(recalls)


def costs(given):
    """What a row takes, counted in codes: cycles are fitted by a constant, codes and rows."""
    if not given.perf:
        return ["### What a row costs, counted in codes", "", "Not measured: `perf` counts no cycles here.", ""]
    tessera, rows = Measured(given, 1), []
    for pair in COSTS:
        stats = tessera.stats(pair, tiles=1, cores=[given.core])
        rows.append((stats["codes_scanned"], stats["rows_refined"], tessera.cycles(pair, "single", given.core)))
    codes, refined, cycles = np.array(rows).T
    # Relative errors count: cheap settings matter as much as dear ones.
    facts = np.stack([np.ones_like(codes), codes, refined], 1) / cycles[:, None]
    (fixed, code, row), *_ = np.linalg.lstsq(facts, np.ones_like(cycles), rcond=None)
    worst = np.abs(facts @ [fixed, code, row] - 1).max()
    return ["### What a row costs, counted in codes", "",
            f"1 million x 96, rows in memory, {len(COSTS)} settings from {COSTS[0]} to {COSTS[-1]} (nprobe, refine): cycles = {fixed:,.0f} + "
            f"{code:.2f} x codes + {row:.0f} x rows, off by {worst:.0%} at most. **A row costs as much as {row / code:.0f} codes.**", ""]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the vectors; indexes are kept in it")
    parser.add_argument("--shardctl", type=pathlib.Path, required=True, help="shardctl of a release build")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core one thread is pinned to")
    parser.add_argument("--build-threads", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "RESULTS.md")
    given = parser.parse_args()
    if not given.data.is_dir() or not given.shardctl.is_file() or given.rounds < 1:
        parser.error("--data is a folder, --shardctl a program, --rounds at least 1")
    given.data, given.shardctl = given.data.resolve(), given.shardctl.resolve()
    # A virtual machine may have perf and no counters.
    given.perf = shutil.which("perf") is not None and re.search(
        r"^[1-9]\d*,", subprocess.run(["perf", "stat", "-x", ",", "-e", "cycles:u", "true"], capture_output=True, text=True).stderr, re.MULTILINE)
    return given


PARTS = {"threads": threads, "growth": growth, "costs": costs}


def main():
    given = arguments()
    try:
        parts = [line for name in given.parts for line in PARTS[name](given)]
    except (Failed, vectors.Missing) as error:
        sys.exit(str(error))
    text = "\n".join(["## How it scales", "", f"{datetime.date.today()}, {common.machine()}.", "",
                      f"    Benchmarks/scaling.py --data DATA --shardctl .build/release/shardctl --parts {' '.join(given.parts)} "
                      f"--rounds {given.rounds}", ""] + parts)
    common.replace_section(given.output, text)
    print(text)


if __name__ == "__main__":
    main()
