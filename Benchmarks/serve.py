#!/usr/bin/env python3
"""Load on `shardctl serve` from a second process, and what becomes of it. Each part runs alone and writes its section.

    Benchmarks/serve.py --vectors base.fbin --rows 100000 [--parts PART,PART…] [--queries q.fbin] [--store FOLDER]

    single   single vectors, base64 and JSON, against the same server answering the same bodies with a constant
    batch    batches of 100 against `shardctl query --batch` on the same cores
    tail     latency at 70% of the highest rate that is kept up
    fan-out  a coordinator with 4 workers against one process: answers and latency
    flips    publish and rollback under full load
    kills    SIGTERM, then kill -9, of one of 4 workers with replication 2, under full load
    drain    SIGTERM of the server under full load
    soak     ten minutes at 70%: resident memory and descriptors

All of them take about 18 minutes on two cores, ten of them the soak. --rows cuts the file: the first rows are searched, and without --queries the
10,000 behind them are asked for. Without --vectors the bundled sample is used, which only shows that a part runs. FOLDER keeps the store for
the next run; it is trained where it holds no index `bench`. The server is pinned to --server-cores, the load to --load-cores; by default the machine is halved.
Needs NumPy and clang.
"""
import argparse, concurrent.futures, itertools, json, os, pathlib, shutil, signal, statistics, sys, tempfile, time
import numpy as np
import common
import serve_load as load

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "Scripts"), str(ROOT / "Clients/python/src")]
import served
from tessera_client import Client

INDEX, K, RECALL, BATCH, WORKERS, QUERIES = "bench", 10, 0.95, 100, 4, 10_000


class Bench:
    def __init__(self, given, folder):
        self.given, self.folder = given, pathlib.Path(folder)
        self.loader = load.Loader(folder, given.load_cores)
        self.store = given.store or self.folder / "store"
        self.vectors, self.queries = given.vectors, None
        if given.vectors is None:
            self.vectors = served.SAMPLE / "base.i8bin"
            self.queries = load.rows(self.vectors)[:1000].astype(np.float32)
        else:
            self.cut()
        self.asked = {"k": K, **({"recall": given.recall} if given.recall else {})}
        if not (self.store / INDEX / "versions").exists():
            self.train()
            self.shardctl("publish", *self.place, "--quiet")

    def cut(self):
        """The rows that are searched, and those asked for."""
        rows, given = load.mapped_rows(self.given.vectors), self.given
        searched = given.rows or (len(rows) if given.queries else len(rows) - QUERIES)
        if given.queries is None and len(rows) < searched + QUERIES:
            raise common.Failed(f"{given.vectors} has no {QUERIES:,} rows behind {searched:,}; give --rows or --queries")
        self.queries = (load.rows(given.queries) if given.queries else rows[searched:searched + QUERIES]).astype(np.float32)
        if searched < len(rows):
            self.vectors = load.write_rows(self.folder / f"base{given.vectors.suffix}", rows[:searched])

    @property
    def place(self):
        return "--store", f"file://{self.store.resolve()}", "--index", INDEX

    def shardctl(self, *arguments, cores=None, nice=0):
        return common.run(self.given.shardctl, *arguments, cores=cores, nice=nice)

    def train(self):
        """The id of a new draft, with other shards than those before."""
        versions = self.store / INDEX / "versions"
        seed = 1 + (len(list(versions.iterdir())) if versions.exists() else 0)
        said = self.shardctl("train", *self.place, "--vectors", self.vectors, "--metric", self.given.metric, "--seed", seed, "--quiet",
                             "--json", *(["--shard-size", self.given.shard_size] if self.given.shard_size else []))
        return json.loads(said)["draft"]

    def serve(self, *options, cores=None):
        cores = cores or self.given.server_cores
        return served.Server("--store", f"file://{self.store.resolve()}", "--index", INDEX, "--threads", len(cores), "--poll-seconds", 0.2,
                             "--log-level", "error", *options, program=self.given.shardctl, cores=cores)

    def workers(self, count, cores=None):
        return [served.Server("--store", f"file://{self.store.resolve()}", "--threads", 1, program=self.given.shardctl, command="worker",
                              cores=cores or self.given.server_cores) for _ in range(count)]

    @property
    def points(self):
        """What is asked for where one answer is not enough: the version's default and a recall, unless one was given."""
        if self.given.recall:
            return {f"recall {self.given.recall}": self.asked}
        return {"default": self.asked, f"recall {RECALL}": {**self.asked, "recall": RECALL}}

    def requests(self, encoding, queries=None, asked=None):
        queries, asked = self.queries if queries is None else queries, asked or self.asked
        if encoding == "batch":
            bodies = ({"vectors": load.base64_of(queries[at:at + BATCH]), **asked} for at in range(0, len(queries) - BATCH + 1, BATCH))
        elif encoding == "json":
            bodies = ({"vector": row.tolist(), **asked} for row in queries)
        else:
            bodies = ({"vector": load.base64_of(row), **asked} for row in queries)
        return load.write_requests(self.folder / f"requests-{encoding}", [load.search_request(INDEX, body) for body in bodies])

    def highest(self, server, requests):
        """Requests a second as fast as answers come; the median of three runs after a short one that warms up."""
        self.loader.run(server, requests, 1, self.given.connections)
        seconds = min(4, self.given.seconds or 4)
        return statistics.median(self.loader.run(server, requests, seconds, self.given.connections).rate for _ in range(3))

    def kept_up(self, server, requests, closed):
        """The highest rate of requests at equal distances at which no queue grows: in the last quarter of 3 s the median latency is
        at most 5 ms. Halved in between six times, from 0.2 to 1.2 times the rate of a closed loop; a rate that fails gets a second try,
        so that one pause of the machine decides nothing."""
        low, high, seconds = 0.2 * closed, 1.2 * closed, 3

        def keeps_up(rate):
            outcome = self.loader.run(server, requests, seconds, self.given.connections, rate=rate)
            return not len(outcome.failed) and outcome.percentile(50, since=0.75 * seconds)[0] <= 5

        for _ in range(6):
            rate = (low + high) / 2
            low, high = (rate, high) if keeps_up(rate) or keeps_up(rate) else (low, rate)
        return low

    def section(self, title, about, lines):
        command = "    Benchmarks/serve.py " + " ".join(self.shown())
        cores = f"server on cores {self.given.server_cores}, load on {self.given.load_cores}, {self.given.connections} connections kept alive"
        set_name = ("the bundled sample" if self.given.vectors is None else
                    self.given.vectors.name + (f", {self.given.rows:,} rows of it" if self.given.rows else ""))
        text = "\n".join([f"## {title}", "", f"{common.machine()}; {cores}; {set_name}, {len(self.queries):,} queries of "
                          f"{self.queries.shape[1]} dimensions, k {K}. {about}", "", command, "", *lines]) + "\n"
        common.replace_section(self.given.output, text)
        print(text, flush=True)

    def shown(self):
        """The command line without the machine's folders."""
        return [pathlib.Path(word).name if word.startswith("/") else word for word in sys.argv[1:]]


def measured(bench, server, requests, seconds):
    """A closed-loop run, and the server's CPU microseconds a request."""
    before = load.cpu_seconds(server.process)
    outcome = bench.loader.run(server, requests, seconds, bench.given.connections)
    if len(outcome.failed):
        raise common.Failed(f"{len(outcome.failed)} requests failed: {outcome.failures()}")
    return outcome, (load.cpu_seconds(server.process) - before) * 1e6 / len(outcome.records)


def single(bench):
    seconds, rounds, lines = bench.given.seconds or 4, bench.given.rounds, []
    with bench.serve() as real, bench.serve("--answer-constant") as constant:
        for (point, asked), encoding in itertools.product(bench.points.items(), ("base64", "json")):
            requests = bench.requests(encoding, asked=asked)
            for server in (real, constant):
                bench.loader.run(server, requests, 1, bench.given.connections)
            pairs = [[measured(bench, server, requests, seconds) for server in (constant, real)] for _ in range(rounds)]
            (c_rate, c_cpu), (r_rate, r_cpu) = ((statistics.median(pair[side][0].rate for pair in pairs),
                                                 statistics.median(pair[side][1] for pair in pairs)) for side in (0, 1))
            ratio = statistics.median(pair[1][0].rate / pair[0][0].rate for pair in pairs)
            size = statistics.mean(len(request) for request in (load.search_request(INDEX, {"vector": row.tolist() if encoding == "json" else
                                   load.base64_of(row), **asked}) for row in bench.queries[:100]))
            lines.append(f"| {point} | {encoding} | {size:,.0f} | {c_rate:,.0f} | {r_rate:,.0f} | **{ratio:.2f}** | {c_cpu:.1f} | {r_cpu:.1f} "
                         f"| {c_cpu / r_cpu:.2f} |")
    bench.section("Serving single vectors", f"Medians of {rounds} rounds of {seconds} s, constant and real in turn. The constant answer is "
                  "of the server's own making for the same bodies. CPU is the server's, user and system.",
                  ["| asked for | body | bytes | QPS of a constant | QPS of searches | ratio | CPU µs a constant | CPU µs a search | ratio |",
                   "|---|---|---|---|---|---|---|---|---|", *lines])


def engine_batches(bench, batch):
    path = bench.folder / "many.fbin"
    # Long enough to time.
    queries = np.tile(bench.queries, (max(1, 20_000 // len(bench.queries)), 1))
    with open(path, "wb") as file:
        np.array(queries.shape, np.uint32).tofile(file)
        queries.astype(np.float32).tofile(file)
    recall = ["--recall", bench.given.recall] if bench.given.recall else []
    said = bench.shardctl("query", *bench.place, "--vectors", path, "-k", K, "--batch", batch, "--threads", len(bench.given.server_cores),
                          "--output", bench.folder / "hits.jsonl", "--stats", "--quiet", "--resident", "all", *recall, cores=bench.given.server_cores)
    return json.loads(said.strip().splitlines()[-1])["qps"]


def batch(bench):
    seconds, rounds = bench.given.seconds or 4, bench.given.rounds
    engine, http = [], []
    with bench.serve() as server:
        requests = bench.requests("batch", np.tile(bench.queries, (max(1, BATCH // len(bench.queries)), 1)))
        bench.loader.run(server, requests, 1, bench.given.connections)
        for _ in range(rounds):
            engine.append(engine_batches(bench, BATCH))
            http.append(measured(bench, server, requests, seconds)[0].rate * BATCH)
    ratio = statistics.median(h / e for h, e in zip(http, engine))
    bench.section("Serving batches of 100", f"Medians of {rounds} rounds, engine and server in turn, both on the server's cores. The engine is "
                  f"`shardctl query --resident all --batch {BATCH}`, which counts searching only.",
                  ["| queries/s of the engine | queries/s over HTTP | ratio |", "|---|---|---|",
                   f"| {statistics.median(engine):,.0f} | {statistics.median(http):,.0f} | **{ratio:.2f}** |"])


def tail(bench):
    seconds, lines = bench.given.seconds or 20, []
    taken = load.pauses(bench.folder, [*bench.given.server_cores, *bench.given.load_cores], seconds, 1)
    with bench.serve() as server, bench.serve("--answer-constant") as constant:
        requests = bench.requests("base64")
        closed, of_constant = (bench.highest(asked, requests) for asked in (server, constant))
        highest, constants = bench.kept_up(server, requests, closed), bench.kept_up(constant, requests, of_constant)
        for (name, asked, most), arrivals in itertools.product((("searches", server, highest), ("a constant", constant, constants),
                                                                ("a constant", constant, highest)), ("even", "poisson")):
            stolen = load.stolen_seconds(bench.given.server_cores)
            outcome = bench.loader.run(asked, requests, seconds, bench.given.connections, rate=0.7 * most, arrivals=arrivals)
            stolen = (load.stolen_seconds(bench.given.server_cores) - stolen) / seconds / len(bench.given.server_cores)
            p50, p95, p99, worst = outcome.percentile(50, 95, 99, 100)
            usual = statistics.median(outcome.percentile(99, since=second, until=second + 1)[0] for second in range(max(1, int(seconds))))
            lines.append(f"| {name} | {arrivals} | {outcome.rate:,.0f} | {p50:.3f} | {p95:.3f} | {p99:.3f} | **{p99 / p50:.1f}** "
                         f"| {usual:.3f} | {worst:.1f} | {stolen:.2%} | {len(outcome.failed)} |")
    bench.section("Serving at 70% of the highest rate", f"{seconds} s each. Highest: the rate of requests at equal distances at which no queue "
                  f"grows, found by halving (`Bench.kept_up`): {highest:,.0f} searches a second ({closed:,.0f} in a closed loop), {constants:,.0f} "
                  f"constants ({of_constant:,.0f}). A constant is what the machine and the way there leave of an answer that takes no search: at 70% of "
                  "its own highest rate, and at the searches' rate. Latency counts from when a request was due, not from when it was sent. Even: at "
                  "equal distances; Poisson: at random ones, so that requests bunch. Stolen: the share of its time in which "
                  "the host says that it let the server's cores wait. Just "
                  "before, on each core a program that does nothing but read the clock was stopped, for 1 ms or longer: " + "; ".join(
                      f"core {core} {found['pauses']} times, {found['milliseconds']:.0f} ms of {seconds} s, {found['longest']:.1f} ms at most"
                      for core, found in taken.items()) + ".",
                  ["| answers | arrivals | QPS | p50 ms | p95 ms | p99 ms | p99 / p50 | median of the seconds' p99 | max ms | stolen | failed |",
                   "|---|---|---|---|---|---|---|---|---|---|---|", *lines])


def answers(bench, server, asked):
    with Client(server.address) as client, concurrent.futures.ThreadPoolExecutor(4) as threads:
        index = client.index(INDEX)
        return list(threads.map(lambda row: index.search(row, **asked).results, bench.queries))


def true_neighbours(bench):
    """Row numbers of the nearest of each query, exactly; None where rows are not compared by their squared distance."""
    if bench.given.metric != "l2" or bench.given.vectors is None:
        return None
    rows = load.rows(bench.vectors).astype(np.float32)
    norms, nearest = (rows ** 2).sum(1), []
    for start in range(0, len(bench.queries), 256):
        distances = norms - 2 * (bench.queries[start:start + 256] @ rows.T)
        nearest.append(np.argpartition(distances, K, 1)[:, :K])
    return np.concatenate(nearest)


def recall_of(truth, found):
    if truth is None:
        return float("nan")
    return sum(len({int(result.id) for result in results} & set(row.tolist())) for results, row in zip(found, truth)) / truth.size


class Cluster:
    """A coordinator with workers, all on the same cores."""

    def __init__(self, bench, replication, cores=None):
        self.workers = bench.workers(WORKERS, cores)
        try:
            addresses = ",".join(worker.address for worker in self.workers)
            self.server = bench.serve("--workers", addresses, "--replication", replication, cores=cores)
        except BaseException:
            self.stop()
            raise

    def stop(self):
        for server in [getattr(self, "server", None), *self.workers]:
            if server is not None and not server.log.closed:
                server.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def fan_out(bench):
    seconds, rounds, requests = bench.given.seconds or 4, bench.given.rounds, bench.requests("base64")
    truth = true_neighbours(bench)
    # One query at a time: whoever asks waits meanwhile, so all cores are the servers'.
    cores = sorted({*bench.given.server_cores, *bench.given.load_cores})
    with bench.serve(cores=cores) as alone, Cluster(bench, 1, cores) as cluster:
        rows, compared = {}, []
        for point, asked in bench.points.items():
            one, many, again = (answers(bench, server, asked) for server in (alone, cluster.server, cluster.server))
            overlap = statistics.mean(len({r.id for r in a} & {r.id for r in b}) / max(1, len(a)) for a, b in zip(one, many))
            compared.append(f"| {point} | {len(one):,} | **{overlap:.4f}** | {recall_of(truth, one):.4f} | {recall_of(truth, many):.4f} "
                            f"| {many == again} |")
        for name, server in (("one process", alone), (f"coordinator + {WORKERS} workers", cluster.server)) * rounds:
            outcome = bench.loader.run(server, requests, seconds, 1)
            rows.setdefault(name, []).append(outcome.percentile(50, 99))
    middle = {name: [statistics.median(values) for values in zip(*found)] for name, found in rows.items()}
    (p50_one, p99_one), (p50_many, p99_many) = middle.values()
    bench.section(f"One process against a coordinator with {WORKERS} workers",
                  f"All on the same cores, {cores}. Latency of one query at a time, medians of {rounds} runs of {seconds} s each, in turn. "
                  "Recall is against exact search.",
                  ["| asked for | answers compared | overlap@10 | recall of one | recall of many | a repeated run is identical |",
                   "|---|---|---|---|---|---|", *compared, "",
                   "| | p50 ms | p99 ms |", "|---|---|---|", *(f"| {name} | {p50:.3f} | {p99:.3f} |" for name, (p50, p99) in middle.items()),
                   f"| added | **{p50_many - p50_one:.3f}** | {p99_many - p99_one:.3f} |"])


def wait_for_version(index, version, patience_s=300):
    end = time.monotonic() + patience_s
    while index.detail().version < version:
        if time.monotonic() > end:
            raise common.Failed(f"version {version} is never served")
        time.sleep(0.02)


def flips(bench):
    seconds, lines = bench.given.seconds or 10, []
    draft, requests = bench.train(), bench.requests("base64")
    with bench.serve() as server, Client(server.address) as client:
        index = client.index(INDEX)
        first = index.detail().version
        bench.loader.run(server, requests, 1, bench.given.connections)

        def publish():
            bench.shardctl("publish", *bench.place, "--draft", draft, "--no-tune", "--quiet", cores=bench.given.load_cores, nice=19)
            return first + 1

        run = bench.loader.start(server, requests, 3600, bench.given.connections)
        for name, flip in (("publish", publish), ("rollback", lambda: index.rollback(first).version)):
            time.sleep(seconds)
            begun = run.now()
            version = flip()
            made = run.now()
            wait_for_version(index, version)
            served_at = run.now()
            time.sleep(2)
            lines.append((name, begun, made, served_at, server.process))
        outcome = run.stop()
    rows = []
    for name, begun, made, served_at, _ in lines:
        before, during = (outcome.percentile(99, since=since, until=until)[0] for since, until in
                          ((begun - seconds, begun), (made - 0.5, served_at + 1)))
        asked = outcome.between(begun, served_at + 1)
        bad = int((asked["status"] != 200).sum() + asked["incomplete"].sum())
        rows.append(f"| {name} | {len(asked):,} | **{bad}** | {made - begun:.1f} | {served_at - made:.2f} | {before:.2f} | {during:.2f} "
                    f"| **{during / before:.2f}** |")
    bench.section("Publish and rollback under full load", "Publish is `shardctl publish` with other shards, on the load's cores with the least priority; "
                  "rollback is asked of the server. During: from half a second before the version was there to a second after it answered.",
                  ["| | requests | failed or incomplete | made in s | answers after s | p99 before, ms | p99 during, ms | ratio |",
                   "|---|---|---|---|---|---|---|---|", *rows,
                   "", f"All requests of the run: {len(outcome.records):,}; failed: {len(outcome.failed)} {outcome.failures() or ''}"])


def kill_row(bench, requests, name, number):
    seconds = bench.given.seconds or 10
    with Cluster(bench, 2) as cluster:
        bench.loader.run(cluster.server, requests, 2, bench.given.connections)
        run = bench.loader.start(cluster.server, requests, 3600, bench.given.connections)
        time.sleep(seconds)
        at = run.now()
        cluster.workers[0].process.send_signal(number)
        time.sleep(seconds)
        outcome = run.stop()
    bad = outcome.records[(outcome.records["status"] != 200) | (outcome.records["incomplete"] == 1)]
    last = float((bad["start"] + bad["latency"] / 1000).max() - at) if len(bad) else 0.0
    after = outcome.between(at, float("inf"))
    good = after[after["status"] == 200]
    before, during = (outcome.percentile(99, since=since, until=until)[0] for since, until in ((0, at), (at, at + 2)))
    wrong = int((good["same"] == 0).sum())
    ends = np.sort(good["start"] + good["latency"] / 1000)
    pause = float(np.diff(ends, prepend=at).max()) if len(ends) else float("nan")
    rates = [outcome.answered(since, until) for since, until in ((at - seconds / 2, at), (at + 2, at + seconds))]
    return (f"| {name} | {len(after):,} | {outcome.under_way(at)} | **{len(bad)}** | **{wrong}** | **{last:.2f}** | {pause:.2f} "
            f"| {rates[1] / rates[0]:.2f} | {before:.2f} | {during:.2f} | {during / before:.2f} |")


def kills(bench):
    requests = bench.requests("base64")
    rows = [kill_row(bench, requests, name, number) for name, number in (("SIGTERM", signal.SIGTERM), ("kill -9", signal.SIGKILL))]
    bench.section(f"One of {WORKERS} workers ends under full load", "Replication 2. Wrong: other ids, or another order, than in the first answer to the same query. "
                  "Whole again: the last request that failed or lacked shards ended that long after it. Rate: answers a second from two seconds after it on, "
                  "against those before it. During: the two seconds after it.",
                  ["| | requests after | under way then | failed or incomplete | wrong | whole again after s | longest without an answer, s | rate "
                   "| p99 before, ms | p99 during, ms | ratio |", "|---|---|---|---|---|---|---|---|---|---|---|", *rows])


def drain(bench):
    seconds, requests, rows = bench.given.seconds or 2, bench.requests("base64"), []
    for _ in range(bench.given.rounds):
        server = bench.serve()
        run = bench.loader.start(server, requests, 3600, bench.given.connections)
        time.sleep(seconds)
        at = run.now()
        status = server.stop()
        ended = run.now()
        time.sleep(0.2)
        outcome = run.stop()
        counts = outcome.failures()
        refused = counts.pop(-1, 0)
        rows.append(f"| {len(outcome.between(at, ended)) - refused:,} | **{sum(counts.values())}** {counts or ''} | {refused} | {ended - at:.1f} | {status} |")
    bench.section("SIGTERM of the server under full load", "Clients keep their connection until they are told to close it, and make another. Lost: requests "
                  "that were sent and not answered. Connects that nobody took are no requests.",
                  ["| requests after it | lost | connects refused | ended after s | exit status |", "|---|---|---|---|---|", *rows])


def soak(bench):
    seconds = bench.given.seconds or 600
    settle = min(60, seconds / 5)
    requests = bench.requests("base64")
    with bench.serve() as server:
        highest = bench.kept_up(server, requests, bench.highest(server, requests))
        watch = load.Watch(server.process, min(5, seconds / 20))
        outcome = bench.loader.run(server, requests, seconds, bench.given.connections, rate=0.7 * highest)
        seen = watch.finish()
        idle = load.descriptors(server.process)
    settled = [row for row in seen if row[0] >= settle]
    first, last, most = settled[0][1], settled[-1][1], max(row[1] for row in settled)
    p50, p99 = outcome.percentile(50, 99)
    bench.section("Soak", f"{seconds:.0f} s at 70% of the highest rate, even arrivals; memory from second {settle:.0f} on.",
                  ["| requests | failed | QPS | p50 ms | p99 ms | resident MB at first | at the end | most | growth | descriptors at first | most | at the end |",
                   "|---|---|---|---|---|---|---|---|---|---|---|---|",
                   f"| {len(outcome.records):,} | **{len(outcome.failed)}** | {outcome.rate:,.0f} | {p50:.3f} | {p99:.3f} | {first:.1f} | {last:.1f} | {most:.1f} "
                   f"| **{(last / first - 1) * 100:+.1f}%** | {settled[0][2]} | {max(row[2] for row in settled)} | {idle} |"])


PARTS = {"single": single, "batch": batch, "tail": tail, "fan-out": fan_out, "flips": flips, "kills": kills,
         "drain": drain, "soak": soak}


def part_list(text):
    parts = text.split(",")
    for part in parts:
        if part not in PARTS:
            raise argparse.ArgumentTypeError(f"there is no part {part}; those there are: {', '.join(PARTS)}")
    return parts


def core_list(text):
    return [int(core) for core in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", type=part_list, default=list(PARTS), metavar="PART,PART…", help="all unless given")
    parser.add_argument("--vectors", type=pathlib.Path)
    parser.add_argument("--rows", type=int, help="of the file of vectors that are searched; all unless given")
    parser.add_argument("--queries", type=pathlib.Path)
    parser.add_argument("--metric", default="l2")
    parser.add_argument("--shard-size", type=int)
    parser.add_argument("--store", type=pathlib.Path, help="folder that keeps the store")
    parser.add_argument("--recall", type=float, help="the operating point to search at; the version's default unless given")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, help="of each measurement; every part has its own otherwise")
    cores = sorted(os.sched_getaffinity(0))
    parser.add_argument("--server-cores", type=core_list, default=cores[:max(1, len(cores) // 2)])
    parser.add_argument("--load-cores", type=core_list, default=cores[len(cores) // 2:])
    parser.add_argument("--shardctl", type=pathlib.Path, default=served.SHARDCTL)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).with_name("RESULTS.md"))
    given = parser.parse_args()
    if given.vectors is None and (given.queries or given.rows):
        parser.error("--queries and --rows are for --vectors")
    folder = tempfile.mkdtemp(prefix="tessera-serve-")
    try:
        bench = Bench(given, folder)
        for name in given.parts:
            PARTS[name](bench)
    except (common.Failed, served.Failed) as error:
        sys.exit(str(error))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
