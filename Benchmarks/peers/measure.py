"""Rounds: each engine in its own process, in turn, again and again; medians; what is reached at a given recall."""
import json, math, os, pathlib, shutil, statistics, subprocess, sys
import common

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = HERE / ".venv" / "bin" / "python"
# Every pool of threads that a peer may own.
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "LANCE_CPU_THREADS",
         "LANCE_IO_THREADS", "TOKIO_WORKER_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
SLACK = 0.75  # A setting this near to the front after the first round is measured again.


def pools(threads):
    return {name: str(threads) for name in POOLS}


class Peer:
    """One index of one peer, built and searched by worker.py in processes of their own."""

    def __init__(self, engine, index, dataset, folder, least):
        self.name, self.index, self.dataset, self.least = engine.name, index, dataset, least
        self.engine, self.folder, self.process = engine, folder / dataset.name / engine.name / index, None

    def build(self, threads):
        """Built again only when the peer's version has changed."""
        kept = self.folder / "built.json"
        if kept.exists() and json.loads(kept.read_text())["version"] == self.engine.version:
            return json.loads(kept.read_text())
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        common.run(PYTHON, HERE / "worker.py", "build", self.name, self.index, self.folder, self.dataset.base, threads,
                   nice=10, **pools(threads))
        return json.loads(kept.read_text())

    def settings(self):
        return self.engine.settings(self.index, self.dataset.name)

    def open(self, core):
        command = [PYTHON, HERE / "worker.py", "serve", self.name, self.index, self.folder, self.dataset.queries,
                   self.dataset.truth, self.least]
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), *map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, **pools(1)})
        self._answer()

    def ask(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise common.Failed(f"{self.name} {self.index} ended with status {self.process.wait()}")
        return json.loads(line)

    def measure(self, setting, mode):
        return self.ask({"do": "measure", "setting": setting, "mode": mode})

    def close(self):
        """Memory first; then the overhead of a call, which replaces the index."""
        memory, overhead = self.ask({"do": "memory"})["rss_growth"], self.ask({"do": "overhead"})["microseconds"]
        self.process.stdin.close()
        self.process.wait()
        return memory, overhead


class Curve:
    """All that was measured of one index in one mode."""

    def __init__(self, engine, index, mode):
        self.engine, self.index, self.mode = engine, index, mode
        self.seen, self.recalls, self.shares = {}, {}, []

    def add(self, setting, report):
        key = json.dumps(setting)
        self.seen.setdefault(key, []).append(report["qps"])
        self.shares.append(report["core_share"])
        if report["recall"] is not None:
            self.recalls[key] = report["recall"]

    def points(self):
        """(recall, median QPS, setting) of each setting, by recall."""
        return sorted((self.recalls[key], statistics.median(rates), json.loads(key)) for key, rates in self.seen.items())

    def front(self):
        return front(self.points())

    def worth(self, setting):
        """Whether a setting lies on or near the front of what was measured so far."""
        key = json.dumps(setting)
        if key not in self.seen:
            return True
        best = max(rate for recall, rate, _ in self.points() if recall >= self.recalls[key])
        return statistics.median(self.seen[key]) >= SLACK * best


def front(points):
    """The points that no other beats in both recall and QPS, by rising recall."""
    kept, best = [], 0.0
    for point in sorted(points, key=lambda point: (-point[0], -point[1])):
        if point[1] > best:
            kept.append(point)
            best = point[1]
    return kept[::-1]


def rate_at(target, points):
    """QPS at a recall: between the two points of the front around it, log QPS is taken as linear in recall.

    None where no setting reaches the recall. Below the lowest recall measured the front is flat: the fastest counts.
    """
    points = front(points)
    if not points or points[-1][0] < target:
        return None
    below = [point for point in points if point[0] < target]
    above = points[len(below)]
    if not below:
        return above[1]
    share = (target - below[-1][0]) / (above[0] - below[-1][0])
    return math.exp(math.log(below[-1][1]) * (1 - share) + math.log(above[1]) * share)


def usable(recall):
    """Lower recall than this interests nobody, and its settings are dropped after the first round."""
    return recall >= 0.80


def race(peers, tessera, rounds, core, thin, say):
    """One process at a time, in turn; each round begins with another engine. Returns the curves and each index's facts."""
    curves, facts = {}, {}
    runners = tessera + peers
    for number in range(rounds):
        for runner in runners[number % len(runners):] + runners[:number % len(runners)]:
            say(f"round {number + 1} of {rounds}: {runner.name} {runner.index}")
            one = tessera_round if runner in tessera else peer_round
            facts.setdefault((runner.name, runner.index), {}).update(one(runner, curves, core, thin))
    return list(curves.values()), facts


def diagonal(settings):
    """For trying out: of a grid of two parameters, those where both are about as deep in their range."""
    names = list(settings[0])
    if len(names) == 1:
        return settings
    ranges = [sorted({setting[name] for setting in settings}) for name in names]
    def depth(setting, axis):
        return ranges[axis].index(setting[names[axis]]) / max(1, len(ranges[axis]) - 1)
    return [setting for setting in settings if len(ranges[1]) == 1 or abs(depth(setting, 0) - depth(setting, 1)) <= 0.12]


def todo(runner, curves, modes, thin):
    for mode in modes:
        curve = curves.setdefault((runner.name, runner.index, mode), Curve(runner.name, runner.index, mode))
        for setting in diagonal(runner.settings()) if thin else runner.settings():
            known = curve.recalls.get(json.dumps(setting))
            if known is None or (usable(known) and curve.worth(setting)):
                yield curve, setting, mode


def peer_round(peer, curves, core, thin):
    modes = ["single", "batch"] if hasattr(peer.engine.kind, "batch") else ["single"]
    peer.open(core)
    peer.ask({"do": "warm", "setting": peer.settings()[-1]})
    for curve, setting, mode in list(todo(peer, curves, modes, thin)):
        curve.add(setting, peer.measure(setting, mode))
    memory, overhead = peer.close()
    return {"rss_growth": memory, "overhead": overhead}


def tessera_round(tessera, curves, core, thin):
    for curve, setting, mode in list(todo(tessera, curves, ["single", "batch"], thin)):
        report = tessera.measure(setting, mode, cores=[core])
        known = next((curves[key].recalls.get(json.dumps(setting)) for key in curves
                      if key[:2] == (tessera.name, tessera.index) and json.dumps(setting) in curves[key].recalls), None)
        curve.add(setting, {**report, "recall": report["recall"] if report["recall"] is not None else known})
    return tessera.memory(tessera.settings()[-1], core)
