#!/usr/bin/env python3
"""Races processes on put-if-absent; a store that can hold an index has one winner per round.

    Scripts/s3-race.py --shardctl PATH --store s3://bucket/folder [--processes 16] [--rounds 20]

Each process is a `shardctl doctor --join-race`; the environment says how to reach the store. Exit status 1 if a round had
no winner or two. Nothing but Python's own library is needed.
"""
import argparse
import json
import subprocess
import sys
import time
import uuid


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shardctl", required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=20)
    return parser.parse_args()


def start(options, name, begin):
    command = [
        options.shardctl, "doctor", "--store", options.store, "--join-race", name,
        "--race-start", f"{begin:.3f}", "--rounds", str(options.rounds), "--json"]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process, limit_seconds):
    try:
        output, errors = process.communicate(timeout=limit_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None, f"not done after {limit_seconds} s"
    if process.returncode != 0:
        return None, errors.strip()
    return json.loads(output)["won"], None


def main():
    options = parse_arguments()
    # Long enough for all to be up, so that they meet in the first round.
    begin = time.time() + 2 + 0.05 * options.processes
    name = uuid.uuid4().hex
    racers = [start(options, name, begin) for _ in range(options.processes)]
    winners = [0] * options.rounds
    complaints = []
    for number, racer in enumerate(racers):
        won, complaint = finish(racer, 120 + options.rounds)
        if complaint:
            complaints.append(f"process {number}: {complaint}")
        for round_number in won or []:
            winners[round_number] += 1
    complaints += [
        f"round {number}: {count} winners" for number, count in enumerate(winners) if count != 1]
    for complaint in complaints:
        print(f"error: {complaint}")
    if complaints:
        return 1
    print(f"{options.rounds} rounds of {options.processes} processes: one winner each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
