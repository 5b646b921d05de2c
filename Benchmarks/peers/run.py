#!/usr/bin/env python3
"""Measures Tessera beside Faiss, hnswlib, ScaNN and LanceDB on the same vectors, one core each, in one run.

    Benchmarks/peers/setup
    Benchmarks/peers/run.py --data DATA --shardctl .build/release/shardctl

Writes its section of Benchmarks/RESULTS.md, and Benchmarks/peers.svg. The data folder holds gen_synth.py, its model,
the queries and the MNIST files; what can be made of them is made and kept there, the peers' indexes too.
"""
import argparse, json, os, pathlib, sys, types

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))


def enter_environment():
    """Goes on in the peers' own Python, which `setup` has made."""
    own = HERE / ".venv"
    if pathlib.Path(sys.prefix) != own:
        if not (own / "bin" / "python").exists():
            sys.exit("the peers' environment is missing: run Benchmarks/peers/setup first")
        os.execv(own / "bin" / "python", [str(own / "bin" / "python"), *sys.argv])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of the vectors; indexes are kept in it")
    parser.add_argument("--shardctl", type=pathlib.Path, required=True, help="shardctl of a release build")
    parser.add_argument("--quick", action="store_true", help="MNIST alone, one round; only printed")
    parser.add_argument("--sets", nargs="+", choices=["1m", "mnist", "10m"], default=["1m", "mnist", "10m"])
    parser.add_argument("--engines", nargs="+", choices=["tessera", *ENGINES], default=["tessera", *ENGINES])
    parser.add_argument("--thin", action="store_true", help="the diagonals of the grids alone; for trying out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core all are pinned to")
    parser.add_argument("--build-threads", type=int, default=1)
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("--output", type=pathlib.Path, default=HERE.parent / "RESULTS.md")
    given = parser.parse_args()
    for fault, words in ((not given.data.is_dir(), f"--data {given.data} is no folder"),
                         (not given.shardctl.is_file(), f"--shardctl {given.shardctl} is no file; build it with swift build -c release"),
                         (given.rounds < 1, "--rounds is at least 1"), (given.build_threads < 1, "--build-threads is at least 1"),
                         (given.core not in os.sched_getaffinity(0), f"--core {given.core} is not one of this process's cores")):
        if fault:
            parser.error(words)
    given.data, given.shardctl = given.data.resolve(), given.shardctl.resolve()
    if given.quick:
        given.sets, given.rounds, given.thin = ["mnist"], 1, True
    return given


def say(words):
    print(words, file=sys.stderr, flush=True)


def found(names):
    """The peers that can be imported, and why the others cannot."""
    present, missing = {}, []
    for name in names:
        kind = ENGINES[name]
        try:
            engine = kind()
            present[name] = types.SimpleNamespace(name=name, kind=kind, version=engine.version(), settings=engine.settings)
        except Exception as error:  # A peer may fail to load in any way; it is named with its reason.
            missing.append(f"{kind.package} ({error})")
    return present, missing


def runners(given, dataset, present):
    least = 0.1 if given.quick else 0.3
    ours = [Tessera(given.shardctl, dataset, index, given.data / "peers", least) for index in TRAIN[dataset.name]]
    theirs = [Peer(engine, index, dataset, given.data / "peers", least)
              for engine in present.values() for index in engine.kind.indexes[dataset.name]]
    return (ours if "tessera" in given.engines else []), theirs


def built(ours, theirs, threads):
    """What each build took; an index that cannot be built ends the run, so that no row is left out unseen."""
    builds = {}
    for runner in ours + theirs:
        say(f"index: {runner.name} {runner.index} of {runner.dataset.title}")
        builds[runner.name, runner.index] = runner.build(threads)
    return builds


def compare(given, dataset, present):
    ours, theirs = runners(given, dataset, present)
    builds = built(ours, theirs, given.build_threads)
    if given.build_only:
        return None
    return Report(dataset, *race(theirs, ours, given.rounds, given.core, given.thin, say), builds)


def at(tessera, mode, target, threads, cores, rounds):
    """Tessera's QPS at a recall, outside the race."""
    curve = Curve("tessera", tessera.index, mode)
    for number in range(rounds):
        for setting in tessera.settings():
            known = curve.recalls.get(json.dumps(setting))
            if known is None or (known >= 0.90 and curve.worth(setting)):
                report = tessera.measure(setting, mode, threads, cores)
                curve.add(setting, {**report, "recall": known if report["recall"] is None else report["recall"]})
    return rate_at(target, curve.points())


def alone(given):
    """Ten times the vectors, and two threads, of Tessera's first index."""
    index, least, folder = next(iter(TRAIN["10m"])), 0.3, given.data / "peers"
    small, large = (Tessera(given.shardctl, synthetic(given.data, millions), index, folder, least) for millions in (1, 10))
    built([small, large], [], given.build_threads)
    if given.build_only:
        return []
    one, cores = [given.core], sorted(os.sched_getaffinity(0))
    rows = []
    for mode in ("single", "batch"):
        reference = at(small, mode, 0.95, 1, one, given.rounds)
        rows.append((f"10 million, {MODES[mode]}", at(large, mode, 0.95, 1, one, given.rounds), "1 million", reference))
        if len(cores) > 1:
            rows.append((f"1 million, two threads, {MODES[mode]}",
                         at(Tessera(given.shardctl, small.dataset, index, folder, least), mode, 0.95, 2, cores[-2:], given.rounds),
                         "one thread", reference))
    return growth_lines(rows)


def options(given):
    """The options that shape the figures, as they were in this run."""
    thin = " --thin" if given.thin else ""
    return (f"--sets {' '.join(given.sets)} --engines {' '.join(given.engines)} --rounds {given.rounds} --core {given.core}"
            f" --build-threads {given.build_threads}{thin}")


def write(given, reports, parts, versions, missing):
    text = section(parts, versions, missing, given.rounds, options(given))
    if not given.quick:
        replace_section(given.output, text)
        first = reports[0]
        panels = [(MODES[mode], fronts(first.curves, mode)) for mode in MODES]
        (given.output.parent / "peers.svg").write_text(svg(f"{first.dataset.title}, one thread", panels))
        kept = [{"set": report.dataset.name, "engine": curve.engine, "index": curve.index, "mode": curve.mode, "points": curve.points()}
                for report in reports for curve in report.curves]
        (given.data / "peers" / "curves.json").write_text(json.dumps(kept, indent=1))
    print(text)


def main():
    given = arguments()
    present, missing = found(name for name in given.engines if name != "tessera")
    for words in missing:
        say(f"missing: {words}")
    make = {"1m": lambda: synthetic(given.data, 1), "mnist": lambda: mnist(given.data)}
    try:
        reports = [compare(given, make[name](), present) for name in ("1m", "mnist") if name in given.sets]
        extra = alone(given) if "10m" in given.sets and "tessera" in given.engines else []
    except (Missing, Failed) as error:
        sys.exit(str(error))
    if not given.build_only:
        parts = [line for report in reports for line in report.lines()] + extra
        write(given, reports, parts, {name: engine.version for name, engine in present.items()}, missing)


if __name__ == "__main__":
    enter_environment()
    from common import Failed, replace_section
    from engines import ENGINES
    from measure import Curve, Peer, race, rate_at
    from plot import svg
    from report import MODES, Report, fronts, growth_lines, section
    from tessera import TRAIN, Tessera
    from vectors import Missing, mnist, synthetic
    main()
