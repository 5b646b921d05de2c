#!/usr/bin/env python3
"""Checks an index exported by Tessera against plain Faiss.

    faiss-parity.py INDEX QUERIES.fbin EXPECTED.json

QUERIES.fbin: rows and columns (int32 each), then float32 rows, little-endian.
EXPECTED.json: what exhaustive search over the same codes found:
    k          neighbours a query
    ids        [queries][k] ids, nearest first
    distances  [queries][k] squared L2 distances or inner products
    decoded    optional: [vectors][D] decoded vectors by id, where ids are 0, 1, 2, ...

Every list is probed, so Faiss must find the same neighbours: equal distances at each rank, within the rounding
of a float32 sum, and equal ids but for ties with the last rank. Exit status: 0 the same, 1 different, 2 wrong arguments.
"""
import json
import sys

import faiss
import numpy as np

TOLERANCE = 1e-4


def read_fbin(path):
    rows, columns = np.fromfile(path, dtype="<i4", count=2)
    return np.fromfile(path, dtype="<f4", offset=8).reshape(rows, columns)


def check_search(index, queries, expected):
    found_distances, found_ids = index.search(queries, expected["k"])
    ids = np.array(expected["ids"])
    distances = np.array(expected["distances"], dtype=np.float32)
    assert found_ids.shape == ids.shape, f"{found_ids.shape} answers, {ids.shape} expected"
    scale = max(1.0, float(np.abs(distances).max()))
    error = float(np.abs(found_distances - distances).max()) / scale
    assert error < TOLERANCE, f"distances differ by {error}"
    # Vectors with equal codes are equally far, and either side may cut the tie differently: an id
    # that only one side found must be as far as the last neighbour.
    for row, (found, known) in enumerate(zip(found_ids, ids)):
        strangers = ~np.isin(found, known)
        gap = np.abs(found_distances[row][strangers] - distances[row][-1]) / scale
        assert (gap < TOLERANCE).all(), f"query {row} found {found[strangers]}, which is not tied"
    same = float(np.mean([np.isin(found, known).mean() for found, known in zip(found_ids, ids)]))
    return same, error


def check_decoded(index, expected):
    decoded = np.array(expected["decoded"], dtype=np.float32)
    inverted_file = faiss.extract_index_ivf(index)
    found = inverted_file.reconstruct_n(0, int(inverted_file.ntotal))
    assert found.shape == decoded.shape, f"{found.shape} vectors, {decoded.shape} expected"
    error = float(np.abs(found - decoded).max())
    assert error < TOLERANCE, f"decoded vectors differ by {error}"


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    index = faiss.read_index(sys.argv[1])
    inverted_file = faiss.extract_index_ivf(index)
    inverted_file.nprobe = inverted_file.nlist
    with open(sys.argv[3], encoding="utf-8") as file:
        expected = json.load(file)
    try:
        same, error = check_search(index, read_fbin(sys.argv[2]), expected)
        if "decoded" in expected:
            check_decoded(index, expected)
    except AssertionError as difference:
        print(f"different: {difference}", file=sys.stderr)
        return 1
    print(f"the same: faiss {faiss.__version__}, {index.ntotal} vectors, "
          f"neighbours {same:.4f}, distance error {error:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
