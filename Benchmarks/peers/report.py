"""The section of RESULTS.md: ratios, the rate and memory of each index, how each was built."""
import datetime
import common
from measure import front, rate_at
from plot import LABEL

TITLE = "## Beside Faiss, LanceDB, hnswlib and ScaNN"
COMMAND = "Benchmarks/peers/run.py --data DATA --shardctl .build/release/shardctl"
MODES = {"single": "one query at a time", "batch": "batches of 1,000"}
ROWS = [("faiss", "batch", 0.95), ("faiss", "single", 0.95), ("scann", "single", 0.95), ("scann", "batch", 0.95),
        ("lancedb", "single", 0.95), ("hnswlib", "single", 0.95), ("hnswlib", "single", 0.99)]


def best(curves, engine, mode, target):
    """(QPS, index) of the index of an engine that is fastest at a recall; None where none reaches it."""
    rates = [(rate_at(target, curve.points()), curve.index) for curve in curves if (curve.engine, curve.mode) == (engine, mode)]
    return max((pair for pair in rates if pair[0]), default=None)


def fronts(curves, mode):
    """Of each engine, the front over all of its indexes."""
    names = dict.fromkeys(curve.engine for curve in curves if curve.mode == mode)
    return {name: front([point for curve in curves if (curve.engine, curve.mode) == (name, mode) for point in curve.points()])
            for name in names}


def number(value, pattern=",.0f"):
    return "–" if value is None else format(value, pattern)


class Report:
    def __init__(self, dataset, curves, facts, builds):
        self.dataset, self.curves, self.facts, self.builds = dataset, curves, facts, builds

    def memory(self, engine, index):
        grown = self.facts[engine, index]["rss_growth"]
        return f"{grown / 1e6:,.0f} MB, {grown / self.dataset.rows:,.0f} B"

    def ratios(self):
        lines = ["| recall@10 | how | peer, its best index | peer QPS | its RAM, a vector | Tessera QPS | its RAM, a vector | Tessera / peer |",
                 "|---|---|---|---|---|---|---|---|"]
        for engine, mode, target in ROWS:
            ours, theirs = best(self.curves, "tessera", mode, target), best(self.curves, engine, mode, target)
            cells = [f"{target:.2f}", MODES[mode], f"{LABEL[engine]}: {theirs[1] if theirs else 'missing, or never reached'}"]
            cells += [number(theirs and theirs[0]), self.memory(engine, theirs[1]) if theirs else "–"]
            cells += [number(ours and ours[0]), self.memory("tessera", ours[1]) if ours else "–"]
            cells.append(f"{ours[0] / theirs[0]:.2f}" if ours and theirs else "–")
            lines.append("| " + " | ".join(cells) + " |")
        return lines

    def indexes(self):
        lines = ["| engine, index | batch QPS at 0.95 | at 0.99 | single QPS at 0.95 | at 0.99 | RAM grown by, a vector | on disk, a vector "
                 "| build s (core-s) | µs a call in Python |", "|---|---|---|---|---|---|---|---|---|"]
        for (engine, index), built in self.builds.items():
            rates = []
            for mode in ("batch", "single"):
                curve = next((c for c in self.curves if (c.engine, c.index, c.mode) == (engine, index, mode)), None)
                rates += [number(curve and rate_at(target, curve.points())) for target in (0.95, 0.99)]
            disk, call = built["bytes"], self.facts[engine, index].get("overhead")
            lines.append(f"| {LABEL[engine]} {index} | {' | '.join(rates)} | {self.memory(engine, index)} "
                         f"| {disk / 1e6:,.0f} MB, {disk / self.dataset.rows:,.0f} B "
                         f"| {built['seconds']:,.0f} ({built['core_seconds']:,.0f}) | {number(call, ',.1f')} |")
        return lines

    def shares(self):
        """Per engine, Tessera too: a ratio means nothing where one side had less of its core than the other."""
        words = []
        for engine in dict.fromkeys(curve.engine for curve in self.curves):
            shares = sorted(share for curve in self.curves if curve.engine == engine for share in curve.shares)
            words.append(f"{LABEL[engine]} {shares[len(shares) // 2]:.0%} (least {shares[0]:.0%})")
        return (f"Share of the core that was had, median and least: {', '.join(words)}. Tessera's is of the whole process with its "
                "load, the peers' of the timed loop. Where a share is low, the machine was busy and the figure is too low.")

    def lines(self):
        return ([f"### {self.dataset.title}", ""] + self.ratios() + [""] + self.indexes() + ["", self.shares(), ""])


def growth_lines(rows):
    lines = ["### Tessera alone: ten times the vectors, two threads", "",
             "| | QPS | beside | QPS | ratio |", "|---|---|---|---|---|"]
    for name, value, other, reference in rows:
        ratio = f"{value / reference:.2f}" if value and reference else "–"
        lines.append(f"| {name} | {number(value)} | {other} | {number(reference)} | {ratio} |")
    return lines + [""]


def section(parts, versions, missing, rounds, options):
    absent = [f"Missing here, and so not measured: {', '.join(missing)}.", ""] if missing else []
    return "\n".join([
        TITLE, "", f"{datetime.date.today()}, {common.machine()}.", "",
        "    Benchmarks/peers/setup", f"    {COMMAND} {options}", "",
        "![Recall against queries a second](peers.svg)", "",
        f"Versions: {'; '.join(f'{LABEL[name]} {version}' for name, version in versions.items())}.", ""] + absent + [
        f"One core and one thread an engine, each in its own process, warm, in turn; rounds: {rounds}; QPS is the median. The rate at a recall lies on "
        "the front of the settings measured, log QPS linear in recall between its two neighbours. RAM: a peer's is what its process grew by from before "
        "the load to after the searches; Tessera's is its whole process. LanceDB reads through the page cache, which is not in its figure. Peers are called from "
        "Python: the last column is such a call's cost on ten vectors, and it is part of every single query's time. Tessera's time is taken inside "
        "`shardctl`. Settings are picked on the queries that score them, for all alike.", ""] + parts) + "\n"
