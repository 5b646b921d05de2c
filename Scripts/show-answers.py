#!/usr/bin/env python3
"""Shows a query's answers as text, and counts how many of the exact nearest neighbours were found.

    Scripts/show-answers.py SAMPLE HITS.jsonl [--show N] [--recall-at-least R] [--recall-at-most R]

SAMPLE is a folder like Samples/wordnet; HITS.jsonl is what `shardctl query` wrote for its queries. Exit status 1
where the recall is out of bounds or a query has no answer.
"""

import argparse
import json
import pathlib
import struct
import sys
import textwrap


def read_truth(path):
    """Rows of an .ibin file: uint32 rows, uint32 columns, then int32 values, little endian."""
    raw = path.read_bytes()
    rows, columns = struct.unpack_from("<II", raw)
    values = struct.unpack_from(f"<{rows * columns}i", raw, 8)
    return [values[row * columns : (row + 1) * columns] for row in range(rows)]


def show(query_text, hits, texts):
    def shorten(text):
        return textwrap.shorten(text, 96, placeholder=" …")

    print(f"\n  What is like: {shorten(query_text)}")
    for hit in hits:
        print(f"    {hit['distance']:.3f}  {shorten(texts[hit['id']])}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sample", type=pathlib.Path)
    parser.add_argument("hits", type=pathlib.Path)
    parser.add_argument("--show", type=int, default=0, metavar="N", help="show the first N queries")
    parser.add_argument("--recall-at-least", type=float, default=0.0, metavar="R")
    parser.add_argument("--recall-at-most", type=float, default=1.0, metavar="R")
    arguments = parser.parse_args()

    ids = (arguments.sample / "ids.txt").read_text().splitlines()
    query_ids = (arguments.sample / "query-ids.txt").read_text().splitlines()
    lines = (arguments.sample / "texts.tsv").read_text().splitlines()
    texts = dict(line.split("\t", 1) for line in lines)
    truth = read_truth(arguments.sample / "truth.ibin")
    answers = {}
    for line in arguments.hits.read_text().splitlines():
        answer = json.loads(line)
        if "query" in answer:
            answers[answer["query"]] = answer["hits"]
    missing = [query for query in range(len(query_ids)) if not answers.get(query)]
    if missing:
        sys.exit(f"{arguments.hits}: no answer for queries {missing}")

    found = wanted = 0
    for query, neighbours in enumerate(truth):
        if query < arguments.show:
            show(texts[query_ids[query]], answers[query], texts)
        right = {ids[row] for row in neighbours}
        found += len(right.intersection(hit["id"] for hit in answers[query]))
        wanted += len(right)
    recall = found / wanted
    print(f"\n  {found} of the {wanted} exact nearest neighbours of {len(truth)} queries: recall@10 {recall:.3f}")
    if not arguments.recall_at_least <= recall <= arguments.recall_at_most:
        sys.exit(f"recall@10 {recall:.3f} is not between {arguments.recall_at_least} and {arguments.recall_at_most}")


main()
