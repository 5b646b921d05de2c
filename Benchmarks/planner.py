#!/usr/bin/env python3
"""What the planner predicts of ten million vectors, calibrated with one million, beside what is measured of them.

    Benchmarks/planner.py --data DATA --shardctl .build/release/shardctl --analyze .build/release/analyze-performance \\
        --store file:///data/10m --index peers [--calibrated-store file:///data/1m]

Writes its section of Benchmarks/RESULTS.md. The data folder is that of Benchmarks/peers (its README says what it holds): the
first million vectors, the queries, and the exact neighbours of both sizes. The large index is a published version of the first
ten million; the small one is built here unless a published version of the million is given, of which a report is timed as well.
Needs NumPy.
"""
import argparse, datetime, json, os, pathlib, statistics, sys, tempfile, time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))
import common, vectors  # noqa: E402
from common import Failed  # noqa: E402

# (nprobe, refine depth); what a wanted recall needs is asked besides.
WAYS = [(16, 40), (24, 40), (32, 40), (48, 40), (64, 60)]
RECALL = 0.95
MOST = {"recall@10": 0.02, "p50": 0.30, "RAM": 0.30, "disk": 0.30}


def inspected(given):
    found = json.loads(common.run(given.shardctl, "inspect", "--store", given.store, "--index", given.index, "--json"))
    index = found.get("index", found)
    stored = sum(part["bytes"] for part in [index["router"], *index["idTables"], *index["shards"]])
    return index, stored


def planned(given, index):
    size, quantizer = index["vectors"], index["quantizer"]
    questions = [f"vectors={size},recall={RECALL}"] + [f"vectors={size},nprobe={probe},refine={depth}" for probe, depth in WAYS]
    source = ["--vectors", given.base, "--queries", given.queries, "--max-queries", vectors.QUERIES, "--sample", given.sample]
    if given.calibrated_store:
        source += ["--store", given.calibrated_store, "--index", given.calibrated_index]
    else:
        source += ["--code-size", quantizer["subquantizers"] * quantizer["bits"] // 8]
    asked = [part for question in questions for part in ("--what-if", question)]
    return json.loads(common.run(given.analyze, *asked, *source, "--json", "--threads", given.build_threads)), [*asked, *source]


def searched(given, way, folder):
    """Median p50 of some rounds, the rest of the last, and recall against the exact neighbours."""
    hits, times = folder / "hits.jsonl", []
    for _ in range(given.rounds):
        out = common.run(given.shardctl, "query", "--store", given.store, "--index", given.index, "--vectors", given.queries, "--k", 10,
                         "--nprobe", way[0], "--refine", way[1], "--threads", 1, "--batch", 1, "--resident", "all", "--stats", "--quiet",
                         "--output", hits, cores=[given.core])
        stats = json.loads(out.strip().splitlines()[-1])
        times.append(stats["p50_ms"] * 1000)
    answers = [json.loads(line) for line in open(hits)]
    found = sum(len({int(hit["id"]) for hit in answer["hits"]} & given.truth[answer["query"]]) for answer in answers)
    return {"p50": statistics.median(times), "recall@10": found / (10 * len(answers)), "codes": stats["codes_scanned"],
            "RAM": stats["rss_mb"] * 1e6}


def row(name, way, predicted, measured, words):
    difference = predicted - measured if name == "recall@10" else predicted / measured - 1
    off = f"{difference:+.4f}" if name == "recall@10" else f"{difference:+.1%}"
    asked = "" if name not in MOST else f"{MOST[name]:.2f}" if name == "recall@10" else f"{MOST[name]:.0%}"
    held = "" if name not in MOST else "yes" if abs(difference) <= MOST[name] else "**no**"
    return f"| {name} | {way} | {words(predicted)} | {words(measured)} | {off} | {asked} | {held} |"


def reported(given):
    """How long the report takes with default settings and nothing kept of a run before; none without an index to report on."""
    if not given.calibrated_store:
        return []
    start = time.monotonic()
    report = json.loads(common.run(given.analyze, "--store", given.calibrated_store, "--index", given.calibrated_index, "--no-truth-cache", "--json"))
    seconds = time.monotonic() - start
    return ["The report of a million vectors with default settings, exact neighbours and the table of exact search included"
            f"{'' if report['complete'] else ' (**cut short**)'}, took {seconds:.0f} s (asked: 120 at most):", "",
            "    analyze-performance --store STORE --index INDEX --no-truth-cache --json", ""]


def section(given):
    index, stored = inspected(given)
    report, asked = planned(given, index)
    lines, small = [], report["scales"][-1]
    with tempfile.TemporaryDirectory() as folder:
        for plan in report["plans"]:
            way = (plan["way"]["nprobe"], plan["way"]["refineDepth"])
            seen, name = searched(given, way, pathlib.Path(folder)), f"nprobe {way[0]}, refine {way[1]}"
            if "recall" in plan["question"]:
                name += f", planned for recall {RECALL}"
                size, large = lambda value: f"{value / 1e6:,.0f} MB", plan["footprint"]
                lines += [row("shards", "", plan["cut"]["shards"], len(index["shards"]), lambda value: f"{value:,}"),
                          row("lists", "", plan["cut"]["lists"], sum(s["lists"] for s in index["shards"]), lambda value: f"{value:,}"),
                          row("RAM", "", large["codes"] + large["models"] + large["rowsAndIDs"], seen["RAM"], size),
                          row("disk", "", large["stored"], stored, size)]
            lines += [row("recall@10", name, plan["recall"], seen["recall@10"], lambda value: f"{value:.4f}"),
                      row("p50", name, plan["p50Microseconds"], seen["p50"], lambda value: f"{value:.1f} µs"),
                      row("codes", name, plan["work"]["codes"], seen["codes"], lambda value: f"{value:,.0f}")]
    return ["## What the planner predicts", "", f"{datetime.date.today()}, {common.machine()}, load {os.getloadavg()[0]:.1f}.", "",
            "    Benchmarks/planner.py --data DATA --shardctl .build/release/shardctl --analyze .build/release/analyze-performance "
            "--store STORE --index INDEX", "",
            f"Calibrated with {small['vectors']:,} vectors and smaller parts of them, predicted for {index['vectors']:,}, and measured there with "
            f"`shardctl query --threads 1 --resident all --stats`: p50 is the median of {given.rounds} runs of {vectors.QUERIES:,} queries pinned to "
            "a core, RAM that of the whole process, recall against exact neighbours.", "",
            "| | way | predicted | measured | error | asked at most | held |", "|---|---|---|---|---|---|---|"] + lines + [""] + heldout(report) + reported(given)


def heldout(report):
    sizes = ", ".join(f"{scale['vectors']:,}" for scale in report["scales"][:-1])
    rows = [f"| {line['quantity']} | {line['way']} | {line['predicted']:,.4g} | {line['measured']:,.4g} | "
            + (f"{line['error']:+.4f} |" if line["unit"] == "recall" else f"{line['error']:+.1%} |") for line in report["heldOut"]]
    return [f"What the report of the planner says of itself, {report['scales'][-1]['vectors']:,} predicted from {sizes}:", "",
            "| | way | predicted | measured | error |", "|---|---|---|---|---|"] + rows + [""]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the vectors")
    parser.add_argument("--shardctl", type=pathlib.Path, required=True, help="shardctl of a release build")
    parser.add_argument("--analyze", type=pathlib.Path, required=True, help="analyze-performance of a release build")
    parser.add_argument("--store", required=True, help="the store of the large index")
    parser.add_argument("--index", default="peers")
    parser.add_argument("--calibrated-store", help="a store with a published index of the million; built unless given")
    parser.add_argument("--calibrated-index", default="peers")
    parser.add_argument("--truth", type=pathlib.Path, help="exact neighbours in the large index; those of ten million unless given")
    parser.add_argument("--sample", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core queries are pinned to")
    parser.add_argument("--build-threads", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "RESULTS.md")
    given = parser.parse_args()
    if not given.data.is_dir() or not given.shardctl.is_file() or not given.analyze.is_file() or given.rounds < 1:
        parser.error("--data is a folder, --shardctl and --analyze are programs, --rounds is at least 1")
    given.shardctl, given.analyze = given.shardctl.resolve(), given.analyze.resolve()
    return given


def main():
    given = arguments()
    try:
        given.base = vectors.source(given.data, "synth_seed1_1m_base.fbin").resolve()
        given.queries = vectors.source(given.data, "synth_seed1_query.fbin").resolve()
        truth = given.truth or vectors.source(given.data, "synth_seed1_10m_gt.ibin")
        given.truth = [set(row[:10].tolist()) for row in vectors.read_ints(truth)]
        text = "\n".join(section(given))
    except (Failed, vectors.Missing) as error:
        sys.exit(str(error))
    common.replace_section(given.output, text)
    print(text)


if __name__ == "__main__":
    main()
