"""Tessera, driven through shardctl. What is measured, and with which options, stands at the top."""
import json, resource, shutil, time
import common, vectors

# One index a data set and row of options for `train`.
TRAIN = {"1m": {"code 24": ["--code-size", 24]}, "10m": {"code 24": ["--code-size", 24]}, "mnist": {"code 98": ["--code-size", 98]}}
PROBES = {"1m": [8, 12, 16, 20, 24, 32, 48, 64, 96, 128], "10m": [8, 12, 16, 20, 24, 32, 48, 64], "mnist": [2, 4, 8, 16, 32, 64]}
DEPTHS = {"1m": [20, 30, 40, 60, 100], "10m": [30, 40, 60, 100], "mnist": [20, 50, 100]}
QUERY = ["--resident", "all"]
TILES = 20
BATCH = {"single": 1, "batch": 1000}


class Tessera:
    """One index in a file:// store inside `folder`, which keeps it from run to run."""
    name = "tessera"

    def __init__(self, shardctl, dataset, index, folder, least):
        self.shardctl, self.dataset, self.index, self.least = shardctl, dataset, index, least
        self.folder = folder / dataset.name / "tessera" / index.replace(" ", "-")
        self.store = f"file://{self.folder}/store"
        self.truth = [set(row) for row in vectors.read_ints(dataset.truth)[:vectors.QUERIES, :10].tolist()]
        self.tiles = {}

    def build(self, threads):
        """Keyed by the options and by what shardctl calls its format: an index it cannot read is made again."""
        kept, options = self.folder / "built.json", [str(part) for part in TRAIN[self.dataset.name][self.index]]
        if kept.exists() and json.loads(kept.read_text())["options"] == options and self._opens():
            return json.loads(kept.read_text())
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "scratch").mkdir(parents=True)
        start, used = time.perf_counter(), core_seconds()
        self._run("train", "--vectors", self.dataset.base, "--threads", threads, "--scratch", self.folder / "scratch",
                  *options, nice=10)
        self._run("publish", nice=10)
        report = {"seconds": time.perf_counter() - start, "core_seconds": core_seconds() - used, "options": options,
                  "threads": threads, "version": "this checkout",
                  "bytes": sum(file.stat().st_size for file in (self.folder / "store").rglob("*") if file.is_file())}
        shutil.rmtree(self.folder / "scratch")
        kept.write_text(json.dumps(report))
        return report

    def _opens(self):
        try:
            self._query(self.dataset.queries, {"nprobe": 1, "refine": 10}, "batch", 1, [0])
            return True
        except common.Failed:
            return False

    def settings(self):
        return [{"nprobe": probe, "refine": depth} for probe in PROBES[self.dataset.name] for depth in DEPTHS[self.dataset.name]]

    def measure(self, setting, mode, threads=1, cores=None):
        """The tiled queries; fewer tiles where a setting is so slow that all of them would take many times `least`."""
        key = tuple(setting.values())
        tiles = self.tiles.get(key, 1)
        stats = self._query(self._file(tiles), setting, mode, threads, cores)
        if key not in self.tiles:
            self.tiles[key] = max(2, min(TILES, round(2 * self.least * stats["qps"] / vectors.QUERIES)))
            stats["recall"] = self._recall()
            return {**self.measure(setting, mode, threads, cores), "recall": stats["recall"]}
        return {"qps": stats["qps"], "recall": stats.get("recall"), "core_share": stats["core_share"]}

    def memory(self, setting, core):
        """The whole process, programs and libraries included, with the untiled queries."""
        stats = self._query(self.dataset.queries, setting, "single", 1, [core])
        return {"rss_growth": stats["rss_mb"] * 1e6, "codes_mb": stats["codes_mb"], "model_mb": stats["model_mb"]}

    def _file(self, tiles):
        if tiles == 1:
            return self.dataset.queries
        path = self.folder / f"{self.dataset.queries.stem}_x{tiles}{self.dataset.queries.suffix}"
        return path if path.exists() else vectors.tiled(self.dataset, tiles, self.folder)

    def _query(self, queries, setting, mode, threads, cores):
        start, used = time.perf_counter(), core_seconds()
        out = self._run("query", "--vectors", queries, "--k", 10, "--nprobe", setting["nprobe"], "--refine", setting["refine"],
                        "--threads", threads, "--batch", BATCH[mode], "--output", self.folder / "hits.jsonl", "--stats",
                        "--quiet", *QUERY, cores=cores)
        stats = json.loads(out.strip().splitlines()[-1])
        stats["core_share"] = (core_seconds() - used) / (time.perf_counter() - start)
        return stats

    def _recall(self):
        found = 0
        for line in open(self.folder / "hits.jsonl"):
            answer = json.loads(line)
            found += len({int(hit["id"]) for hit in answer["hits"]} & self.truth[answer["query"] % len(self.truth)])
        return found / (10 * len(self.truth))

    def _run(self, command, *options, nice=0, cores=None):
        return common.run(self.shardctl, command, "--store", self.store, "--index", "peers", *options, cores=cores, nice=nice)


def core_seconds():
    """Of the programs this one has started and seen end."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
