#!/usr/bin/env python3
"""Derives Samples/wordnet from the original embeddings.

Holds out the queries and finds their exact neighbours.

    Scripts/derive-sample.py ORIGINALS [TARGET]

ORIGINALS holds wordnet10k_base.i8bin, wordnet10k_ids.txt and wordnet10k_texts.tsv (one row a synset, all in
the same order). The same originals give the same bytes. Needs NumPy.
"""

import pathlib
import sys

import numpy as np

NEIGHBOURS = 10

# Held out as queries. Chosen for variety and for glosses whose neighbours can be judged without a
# dictionary; the exact neighbours were read before, never an index's answers.
QUERIES = [
    "wn:06586098n",  # computer worm
    "wn:07854614n",  # a soft Italian cheese
    "wn:10277509n",  # maker of stringed instruments
    "wn:14356497n",  # inflammation of the eyelid
    "wn:02000954n",  # wading birds
    "wn:13442867n",  # capture by gravity
    "wn:06513043n",  # application for a loan
    "wn:11028675n",  # an English novelist
    "wn:04244847n",  # a sailing ship
    "wn:00130846n",  # baseball
    "wn:10249950n",  # lawyer
    "wn:13882487n",  # seven-sided polygon
    "wn:02573704n",  # bluish game fish
    "wn:03440216n",  # satellite navigation
    "wn:05499828n",  # midbrain
    "wn:01884203n",  # marsupials
    "wn:00382792a",  # reddish brown
    "wn:13678145n",  # money of Luxembourg
    "wn:07682316n",  # whole wheat bread
    "wn:02581900v",  # to prosecute
]


def read_i8bin(path):
    raw = path.read_bytes()
    rows, columns = (int(value) for value in np.frombuffer(raw, "<u4", count=2))
    return np.frombuffer(raw, "i1", offset=8).reshape(rows, columns)


def write_matrix(path, values):
    path.write_bytes(np.array(values.shape, "<u4").tobytes() + values.tobytes())


def exact_neighbours(queries, base):
    """Base rows by falling cosine, ties by row. Integer products, so no rounding decides a rank."""
    queries, base = queries.astype(np.int64), base.astype(np.int64)
    lengths = np.sqrt((base * base).sum(axis=1).astype(np.float64))
    cosines = (queries @ base.T) / lengths
    return np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBOURS].astype("<i4")


def main(arguments):
    if len(arguments) not in (1, 2):
        sys.exit(__doc__.strip())
    originals = pathlib.Path(arguments[0])
    default = pathlib.Path(__file__).resolve().parent.parent / "Samples" / "wordnet"
    target = pathlib.Path(arguments[1]) if len(arguments) == 2 else default
    target.mkdir(parents=True, exist_ok=True)

    vectors = read_i8bin(originals / "wordnet10k_base.i8bin")
    ids = (originals / "wordnet10k_ids.txt").read_text().splitlines()
    texts = (originals / "wordnet10k_texts.tsv").read_text()
    if [line.split("\t")[0] for line in texts.splitlines()] != ids or len(ids) != len(vectors):
        sys.exit(f"{originals}: vectors, ids and texts are not in the same order")

    held_out = [ids.index(query) for query in QUERIES]
    kept = np.setdiff1d(np.arange(len(ids)), held_out)
    write_matrix(target / "base.i8bin", vectors[kept])
    write_matrix(target / "queries.i8bin", vectors[held_out])
    write_matrix(target / "truth.ibin", exact_neighbours(vectors[held_out], vectors[kept]))
    (target / "ids.txt").write_text("".join(f"{ids[row]}\n" for row in kept))
    (target / "query-ids.txt").write_text("".join(f"{query}\n" for query in QUERIES))
    (target / "texts.tsv").write_text(texts)


main(sys.argv[1:])
