"""One process, one engine, one index. `build` makes the index; `serve` loads it and obeys JSON lines on its input.

run.py starts it pinned to a core and with every library told to use one thread; nothing here starts a thread.
"""
import json, os, pathlib, sys, time
import numpy as np
from engines import ENGINES, K
from vectors import read_ints, read_vectors


def resident():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def build(engine, index, base, folder, threads):
    vectors = read_vectors(base)
    start, used = time.perf_counter(), time.process_time()
    extra = engine.build(vectors, index, folder, threads)
    used = time.process_time() - used
    report = {"seconds": time.perf_counter() - start + extra, "core_seconds": used + extra, "version": engine.version(),
              "threads": threads, "bytes": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())}
    (folder / "built.json").write_text(json.dumps(report))


def recall(found, truth):
    """The share of the true nearest that were found; an answer may be short."""
    return sum(len(set(map(int, ids)) & set(row)) for ids, row in zip(found, truth)) / (len(truth) * K)


class Timer:
    """Times whole passes over the queries until `least` seconds have gone by."""

    def __init__(self, engine, queries, least):
        self.engine, self.queries, self.least = engine, queries, least
        self.rows = engine.rows(queries)

    def measure(self, mode, least=None):
        search = self._one_by_one if mode == "single" else lambda: self.engine.batch(self.queries)
        passes, start, used = 0, time.perf_counter(), time.process_time()
        while True:
            found = search()
            passes += 1
            elapsed = time.perf_counter() - start
            if elapsed >= (self.least if least is None else least):
                break
        share = (time.process_time() - used) / elapsed
        return {"qps": passes * len(self.queries) / elapsed, "core_share": share}, found

    def _one_by_one(self):
        single = self.engine.single
        return [single(row) for row in self.rows]


def overhead(engine, queries):
    """Microseconds of a call that has ten vectors to search: what Python and the binding cost."""
    engine.tiny(np.ascontiguousarray(queries[:K]))
    timer = Timer(engine, queries, 0.2)
    timer.measure("single", 0)
    return 1e6 / timer.measure("single")[0]["qps"]


def serve(engine, index, folder, queries, truth, least):
    queries = read_vectors(queries)
    truth = [set(row) for row in read_ints(truth)[:len(queries), :K].tolist()]
    before = resident()
    engine.load(index, folder)
    timer = Timer(engine, queries, least)
    say({"ready": True})
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "warm":
            engine.apply(**order["setting"])
            timer.measure("single", 0)
            say({})
        elif order["do"] == "measure":
            engine.apply(**order["setting"])
            report, found = timer.measure(order["mode"])
            say({**report, "recall": recall(found, truth)})
        elif order["do"] == "memory":
            say({"rss_growth": resident() - before})
        elif order["do"] == "overhead":
            say({"microseconds": overhead(engine, queries) if hasattr(engine, "tiny") else None})


def say(answer):
    """On the true standard output; what a library prints goes to the error stream."""
    ANSWERS.write(json.dumps(answer) + "\n")
    ANSWERS.flush()


def main():
    engine = ENGINES[sys.argv[2]]()
    index, folder = sys.argv[3], pathlib.Path(sys.argv[4])
    if sys.argv[1] == "build":
        build(engine, index, sys.argv[5], folder, int(sys.argv[6]))
    else:
        serve(engine, index, folder, sys.argv[5], sys.argv[6], float(sys.argv[7]))


if __name__ == "__main__":
    ANSWERS = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    main()
