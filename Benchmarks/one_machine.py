#!/usr/bin/env python3
"""Measures one machine end to end on MNIST (60,000 x 784): build rate, memory, recall, query rate, for each backend.

    Benchmarks/one_machine.py --data ../shared/data --mock .build/release/shardctl --faiss .build-faiss/release/shardctl

Writes Benchmarks/RESULTS.md. Needs NumPy. The data folder holds mnist_base.u8bin.gz, mnist_query.u8bin.gz and
mnist_gt.ibin (exact L2 neighbours of the first 1,000 queries); the ground truth is checked against brute force.
"""
import argparse, gzip, json, pathlib, shutil, sys, tempfile, time
import numpy as np
from common import Failed, machine, replace_section, run

K = 10
QUERIES = 1000


def prepare(data, folder):
    base, queries = folder / "base.u8bin", folder / "queries.u8bin"
    base.write_bytes(gzip.decompress((data / "mnist_base.u8bin.gz").read_bytes()))
    raw = gzip.decompress((data / "mnist_query.u8bin.gz").read_bytes())
    rows = np.frombuffer(raw, np.uint8, offset=8).reshape(-1, 784)[:QUERIES]
    with open(queries, "wb") as file:
        np.array([QUERIES, 784], np.uint32).tofile(file)
        rows.tofile(file)
    count, width = np.fromfile(data / "mnist_gt.ibin", np.uint32, 2)
    truth = np.fromfile(data / "mnist_gt.ibin", np.int32, offset=8)[: count * width].reshape(count, width)
    check(base, rows, truth)
    return base, queries, truth[:QUERIES, :K]


def check(base, queries, truth):
    """Brute force over the first 50 queries: the ground truth must be what it says."""
    vectors = np.fromfile(base, np.uint8, offset=8).reshape(-1, 784).astype(np.float32)
    norms = (vectors * vectors).sum(1)
    for number, query in enumerate(queries[:50].astype(np.float32)):
        distances = norms - 2 * (vectors @ query)
        nearest = np.argsort(distances, kind="stable")[:K]
        assert np.allclose(np.sort(distances[nearest]), np.sort(distances[truth[number, :K]]), rtol=1e-4), number


def recall(path, truth):
    found = 0
    for line in open(path):
        answer = json.loads(line)
        found += len({int(hit["id"]) for hit in answer["hits"]} & set(truth[answer["query"]].tolist()))
    return found / truth.size


def build(shardctl, store, index, base, backend, shard_size):
    start = time.perf_counter()
    trained = json.loads(run(shardctl, "train", "--store", store, "--index", index, "--vectors", base,
                             "--backend", backend, "--shard-size", shard_size, "--json"))
    train = time.perf_counter() - start
    run(shardctl, "publish", "--store", store, "--index", index)
    publish = time.perf_counter() - start - train
    return trained, train, publish


def query(shardctl, store, index, queries, truth, folder, nprobe=None, threads=1):
    hits = folder / "hits.jsonl"
    extra = ["--nprobe", nprobe] if nprobe else []
    out = run(shardctl, "query", "--store", store, "--index", index, "--vectors", queries, "-k", K,
              "--output", hits, "--stats", "--threads", threads, *extra)
    stats = json.loads(out.strip().splitlines()[-1])
    stats["recall"] = recall(hits, truth)
    return stats


def bench(arguments, folder):
    base, queries, truth = prepare(arguments.data, folder)
    store = f"file://{folder}/store"
    builds, searches = [], []
    for backend, shardctl in (("mock", arguments.mock), ("faiss", arguments.faiss)):
        if shardctl is None:
            continue
        for shard_size in (30000, 10000):
            index = f"{backend}-{shard_size}"
            trained, train, publish = build(shardctl, store, index, base, backend, shard_size)
            builds.append((trained, shard_size, train, publish))
            for nprobe in (None, 8, 16, 64, 128):
                stats = query(shardctl, store, index, queries, truth, folder, nprobe)
                searches.append((backend, shard_size, nprobe or "auto", stats))
    return builds, searches


def table(builds, searches):
    lines = ["### Build", "",
             "| backend | shard size | shards | lists | train s | publish s | vectors/s (train + publish) | stored |",
             "|---|---|---|---|---|---|---|---|"]
    for trained, size, train, publish in builds:
        lines.append(f"| {trained['backend']} | {size:,} | {trained['shards']} | {trained['lists']} | {train:.1f} | {publish:.2f} "
                     f"| {trained['vectors'] / (train + publish):,.0f} | {trained['bytes'] / 1e6:.1f} MB |")
    lines += ["", "### Search, one thread, one query at a time", "",
              "| backend | shard size | nprobe | recall@10 | QPS | p50 ms | p99 ms | codes scanned | codes in RAM | of float32 | models in RAM | RSS |",
              "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for backend, size, nprobe, s in searches:
        lines.append(f"| {backend} | {size:,} | {nprobe} | {s['recall']:.4f} | {s['qps']:,.0f} | {s['p50_ms']:.3f} | {s['p99_ms']:.3f} "
                     f"| {s['codes_scanned']:,.0f} | {s['codes_mb']:.2f} MB | 1/{1 / s['codes_share_of_float32']:.1f} "
                     f"| {s['model_mb']:.2f} MB | {s['rss_mb']:.0f} MB |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--mock", type=pathlib.Path, required=True, help="shardctl of the mock build")
    parser.add_argument("--faiss", type=pathlib.Path, help="shardctl built with --traits Faiss")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).with_name("RESULTS.md"))
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-bench-"))
    try:
        lines = table(*bench(arguments, folder))
    except Failed as error:
        sys.exit(str(error))
    finally:
        shutil.rmtree(folder)
    text = "\n".join(["## MNIST, 60,000 x 784 uint8, squared L2, on one machine", "",
                      f"{machine()}. Refine tier sq8, read from files, not resident; float32 would take 188.2 MB.", "",
                      "    Benchmarks/one_machine.py --data DATA --mock .build/release/shardctl --faiss .build-faiss/release/shardctl",
                      ""] + lines) + "\n"
    replace_section(arguments.output, text)
    print(text)


if __name__ == "__main__":
    main()
