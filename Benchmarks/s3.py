#!/usr/bin/env python3
"""Measures the S3 store against a real server: rates beside curl and boto3, cold queries from afar, races of processes.

    eval "$(Scripts/s3-server.sh start)"
    Benchmarks/s3.py --data ../shared/data --shardctl .build/release/shardctl

Writes the S3 part of Benchmarks/RESULTS.md. Needs NumPy, boto3 and curl 7.75 or newer; the data folder holds
mnist_base.u8bin.gz and mnist_query.u8bin.gz.
"""
import argparse, concurrent.futures, gzip, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time
import boto3
import numpy as np
from common import Failed, replace_section, run

HERE = pathlib.Path(__file__).resolve().parent
ENDPOINT = os.environ["TESSERA_TEST_S3_ENDPOINT"]
BUCKET = os.environ["TESSERA_TEST_S3_BUCKET"]
KEYS = (os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
IN_FLIGHT = 8


def client():
    config = boto3.session.Config(max_pool_connections=IN_FLIGHT, s3={"addressing_style": "path"})
    return boto3.client("s3", endpoint_url=ENDPOINT, aws_access_key_id=KEYS[0], aws_secret_access_key=KEYS[1],
                        region_name="us-east-1", config=config)


def boto_rates(key, size, reads):
    s3 = client()
    def part(offset):
        return len(s3.get_object(Bucket=BUCKET, Key=key, Range=f"bytes={offset}-{offset + 511}")["Body"].read())
    def whole(_):
        return len(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
        list(pool.map(part, range(IN_FLIGHT)))
        start = time.perf_counter()
        list(pool.map(part, [number * 7919 % (size - 512) for number in range(reads)]))
        rate = reads / (time.perf_counter() - start)
        start = time.perf_counter()
        got = sum(pool.map(whole, range(2 * IN_FLIGHT)))
        return rate, got / 1e6 / (time.perf_counter() - start)


def curl_rates(key, size, reads, folder):
    url = f"{ENDPOINT}/{BUCKET}/{key}"
    def timed(ranges):
        lines = []
        for text in ranges:
            lines += [f'url = "{url}"', 'output = "/dev/null"', f'user = "{KEYS[0]}:{KEYS[1]}"',
                      'aws-sigv4 = "aws:amz:us-east-1:s3"', "silent", "fail",
                      'header = "x-amz-content-sha256: UNSIGNED-PAYLOAD"']
            lines += [f'range = "{text}"'] if text else []
            lines.append("next")
        config = folder / "curl.config"
        config.write_text("\n".join(lines[:-1]) + "\n")
        start = time.perf_counter()
        run("curl", "--parallel", "--parallel-immediate", "--parallel-max", IN_FLIGHT, "--config", config)
        return time.perf_counter() - start
    offsets = [number * 7919 % (size - 512) for number in range(reads)]
    rate = reads / timed([f"{offset}-{offset + 511}" for offset in offsets])
    return rate, 2 * IN_FLIGHT * size / 1e6 / timed([None] * (2 * IN_FLIGHT))


def rates(shardctl, folder):
    """Each in turn, five times; medians, and the ratio to the best of the others."""
    size, reads, key = 16 << 20, 2000, "bench/object"
    client().put_object(Bucket=BUCKET, Key=key, Body=bytes(size))
    seen = {"tessera": [], "boto3": [], "curl": []}
    for _ in range(5):
        report = json.loads(run(shardctl, "doctor", "--store", f"s3://{BUCKET}/bench", "--rounds", 1, "--json"))
        seen["tessera"].append((report["rangeReadsPerSecond"], report["readMegabytesPerSecond"]))
        seen["boto3"].append(boto_rates(key, size, reads))
        seen["curl"].append(curl_rates(key, size, reads, folder))
    medians = {who: [statistics.median(column) for column in zip(*values)] for who, values in seen.items()}
    lines = ["### Rates, 8 in flight, medians of 5 rounds in turn", "", "| | range GETs of 512 bytes/s | MB/s of whole 16 MiB objects |", "|---|---|---|"]
    lines += [f"| {who} | {rate:,.0f} | {band:,.0f} |" for who, (rate, band) in medians.items()]
    best = [max(medians[who][column] for who in ("boto3", "curl")) for column in (0, 1)]
    lines.append(f"| tessera, of the best other | {medians['tessera'][0] / best[0]:.0%} | {medians['tessera'][1] / best[1]:.0%} |")
    return lines


def prepare(data, folder):
    base, queries = folder / "base.u8bin", []
    base.write_bytes(gzip.decompress((data / "mnist_base.u8bin.gz").read_bytes()))
    rows = np.frombuffer(gzip.decompress((data / "mnist_query.u8bin.gz").read_bytes()), np.uint8, offset=8).reshape(-1, 784)
    for number in range(21):
        path = folder / f"query-{number}.u8bin"
        with open(path, "wb") as file:
            np.array([1, 784], np.uint32).tofile(file)
            rows[number : number + 1].tofile(file)
        queries.append(path)
    return base, queries


def cold(shardctl, data, folder):
    base, queries = prepare(data, folder)
    index = ("--store", f"s3://{BUCKET}/far", "--index", "mnist")
    trained = json.loads(run(shardctl, "train", *index, "--vectors", base, "--shard-size", 250, "--json"))
    run(shardctl, "publish", *index)
    found = {}
    for delay in (0, 50):
        rules = folder / "rules.json"
        rules.write_text(json.dumps([{"fault": "delay", "milliseconds": delay}]))
        proxy = subprocess.Popen([sys.executable, HERE.parent / "Scripts" / "fault-proxy.py", ENDPOINT, "--rules", rules],
                                 stdout=subprocess.PIPE, text=True)
        try:
            address = proxy.stdout.readline().strip()
            found[delay] = [one_query(shardctl, index, query, address, folder) for query in queries]
        finally:
            proxy.terminate()
            proxy.wait()
    p50 = {delay: statistics.median(stats["p50_ms"] for stats, _ in found[delay]) for delay in found}
    trips = [receipt["roundTrips"] for _, receipt in found[50]]
    bound = 3 * 50 + p50[0] + 50
    return ["### Cold queries, a new process each, 50 ms added to each request", "",
            f"MNIST in {trained['shards']} shards; {len(queries)} queries, each by a process that has opened nothing but the manifest and the router.", "",
            "| | p50 ms | asked |", "|---|---|---|",
            f"| no delay | {p50[0]:.1f} | |", f"| 50 ms a request | {p50[50]:.1f} | <= {bound:.1f} (3 x 50 + the time without delay + 50) |", "",
            f"Round trips a query after the manifest: {min(trips)} to {max(trips)}. GETs: {statistics.mean(r['reads'] for _, r in found[50]):.0f} a query, "
            f"{statistics.mean(r['bytesRead'] for _, r in found[50]) / 1e6:.2f} MB."]


def one_query(shardctl, index, query, endpoint, folder):
    hits = folder / "hits.jsonl"
    out = run(shardctl, "query", *index, "--vectors", query, "--stats", "--explain", "--output", hits,
              "--s3-endpoint", endpoint, "--s3-path-style")
    return json.loads(out.strip().splitlines()[-1]), json.loads(hits.read_text())["receipt"]


def race(shardctl, rounds, processes):
    found = run(sys.executable, HERE.parent / "Scripts" / "s3-race.py", "--shardctl", shardctl, "--store", f"s3://{BUCKET}/bench",
                "--processes", processes, "--rounds", rounds)
    return ["### Put-if-absent between processes", "", found.strip().splitlines()[-1] + "."]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--shardctl", type=pathlib.Path, required=True)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "RESULTS.md")
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-bench-"))
    try:
        parts = [race(arguments.shardctl, arguments.rounds, 16), rates(arguments.shardctl, folder),
                 cold(arguments.shardctl, arguments.data, folder)]
    except Failed as error:
        sys.exit(str(error))
    finally:
        shutil.rmtree(folder)
    title = "## S3, against a Ceph gateway on the same machine"
    lines = [title, "", '    eval "$(Scripts/s3-server.sh start)"', "    Benchmarks/s3.py --data DATA --shardctl .build/release/shardctl", ""]
    for part in parts:
        lines += part + [""]
    text = "\n".join(lines)
    replace_section(arguments.output, text)
    print(text)


main()
