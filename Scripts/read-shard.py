#!/usr/bin/env python3
"""Prints a shard, router, id table or query set as JSON.

    read-shard.py OBJECT.tsr

Written from docs/shard-format.md alone, in plain Python and libzstd: the proof that the document suffices. It checks
every checksum and is slow; for small objects. Exit status: 0 read, 1 damaged or not understood, 2 wrong arguments.
"""
import ctypes
import json
import struct
import sys

KINDS = {1: "shard", 2: "router", 3: "idTable", 4: "querySet"}
METRICS = {0: "l2", 1: "ip", 2: "cosine"}
REFINE = {0: "none", 1: "sq8", 2: "f16", 3: "sq16"}
LISTS, ROWS, BUCKETS = 1, 2, 3
PARAMETERS, CENTROIDS, CODEBOOKS, REFINE_TIER, DIRECTORY, ROTATION = 16, 17, 18, 19, 20, 21
QUERIES, NEIGHBOURS = 22, 23
KNOWN = {LISTS, ROWS, BUCKETS, PARAMETERS, CENTROIDS, CODEBOOKS, REFINE_TIER, DIRECTORY, ROTATION,
         QUERIES, NEIGHBOURS}

CRC_TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    CRC_TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def require(condition, complaint):
    if not condition:
        raise ValueError(complaint)


def decompress(data, length):
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    output = ctypes.create_string_buffer(max(1, length))
    written = zstd.ZSTD_decompress(
        output, ctypes.c_size_t(length), bytes(data), ctypes.c_size_t(len(data)))
    require(written == length, "zstd does not give the length that was promised")
    return output.raw[:length]


class Reader:
    def __init__(self, data):
        self.data, self.at = bytes(data), 0

    def take(self, count):
        require(self.at + count <= len(self.data), "ends early")
        self.at += count
        return self.data[self.at - count:self.at]

    def unpack(self, layout):
        values = struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))
        return values[0] if len(values) == 1 else values

    def floats(self, count):
        return list(struct.unpack(f"<{count}f", self.take(4 * count)))

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def finish(self):
        require(self.at == len(self.data), "is too long")


class Container:
    def __init__(self, data):
        require(data[:8] == b"TESSERA1" and data[-8:] == b"TESSERA1", "not a tessera object")
        require(struct.unpack_from("<I", data, 20)[0] == crc32c(data[:20]), "header damaged")
        tail, size, count, kind, version, checksum = struct.unpack_from("<QQIIII", data, len(data) - 40)
        require(version == 1, f"format version {version}")
        require(size == len(data), "wrong size")
        table = len(data) - 40 - 40 * count
        require(crc32c(data[table:-12]) == checksum, "footer damaged")
        self.kind, self.sections, end = KINDS[kind], {}, 24
        for index in range(count):
            section, codec, flags, offset, length, plain, crc, _ = struct.unpack_from(
                "<IHHQQQII", data, table + 40 * index)
            require(offset == end, "section out of place")
            end += length
            stored = data[offset:end]
            require(crc32c(stored) == crc, f"section {section} damaged")
            if section not in KNOWN or codec > 1:
                require(not flags & 1, f"section {section} is unknown and required")
                continue
            require((section < 16) == (offset < tail), "section on the wrong side")
            self.sections[section] = decompress(stored, plain) if codec else stored
        require(end == table, "sections do not reach the table")

    def reader(self, section):
        return Reader(self.sections[section])


def read_codes(block_reader, count, subquantizers, bits, has_bias):
    """[count][subquantizers] codes and [count] bias bytes out of blocks of 32."""
    code_size = subquantizers * bits // 8
    codes, bias, packed = [], [], b""
    for first in range(0, count, 32):
        groups = [block_reader.take(32) for _ in range(code_size)]
        bias_bytes = block_reader.take(32) if has_bias else b""
        packed += b"".join(groups) + bias_bytes
        for lane in range(min(32, count - first)):
            if bits == 8:
                codes.append([groups[m][lane] for m in range(subquantizers)])
            else:
                codes.append([groups[m // 2][lane] >> 4 * (m % 2) & 15 for m in range(subquantizers)])
            bias += bias_bytes[lane:lane + 1]
    return codes, bias, crc32c(packed)


def read_ids(block, count):
    require(crc32c(block[:-4]) == struct.unpack("<I", block[-4:])[0], "id block damaged")
    outer = Reader(block[:-4])
    codec, length = outer.take(1)[0], outer.varint()
    payload = outer.take(len(outer.data) - outer.at)
    inner = Reader(decompress(payload, length) if codec else payload)
    ids, previous = [], b""
    for _ in range(count):
        shared, rest = inner.varint(), inner.varint()
        previous = previous[:shared] + inner.take(rest)
        ids.append(previous.decode("utf-8"))
    inner.finish()
    return ids


def read_shard(container):
    dimension, subquantizers, subdimension, bits, metric, refine, lists, vectors = \
        container.reader(PARAMETERS).unpack("8I")
    padded = subquantizers * subdimension
    centroids = container.reader(CENTROIDS)
    origin, centroid_step = centroids.floats(padded), centroids.unpack("f")
    tier = container.reader(REFINE_TIER)
    width = dimension if REFINE[refine] in ("sq8", "sq16") else 0
    shard = {
        "metric": METRICS[metric], "refine": REFINE[refine], "dimension": dimension, "bits": bits,
        "origin": origin, "centroidStep": centroid_step,
        "centroids": [list(struct.unpack(f"{padded}b", centroids.take(padded))) for _ in range(lists)],
        "codebooks": container.reader(CODEBOOKS).floats(padded << bits),
        "minimum": tier.floats(width), "step": tier.floats(width), "lists": []}
    directory, blocks, rows = (container.reader(kind) for kind in (DIRECTORY, LISTS, ROWS))
    row_size = {"none": 0, "sq8": dimension, "f16": 2 * dimension, "sq16": 2 * dimension}[REFINE[refine]]
    for _ in range(lists):
        count, checksum, bias_offset, bias_step = directory.varint(), *directory.unpack("Iff")
        codes, bias, found = read_codes(blocks, count, subquantizers, bits, METRICS[metric] != "ip")
        require(found == checksum, "list damaged")
        stored, ids = [], []
        for _ in range(count if row_size else 0):
            stored.append(list(rows.take(row_size)))
            require(rows.unpack("I") == crc32c(stored[-1]), "row damaged")
        for first in range(0, count, 64):
            ids += read_ids(rows.take(directory.varint()), min(64, count - first))
        shard["lists"].append({
            "codes": codes, "bias": list(bias), "biasOffset": bias_offset, "biasStep": bias_step,
            "rows": stored, "ids": ids})
    for reader in (directory, blocks, rows):
        reader.finish()
    require(sum(len(entry["ids"]) for entry in shard["lists"]) == vectors, "wrong number of vectors")
    return shard


def read_router(container):
    shards, dimension, padded = container.reader(PARAMETERS).unpack("3I")
    centroids = container.reader(CENTROIDS)
    router = {"paddedDimension": padded,
              "centroids": [centroids.floats(dimension) for _ in range(shards)]}
    if ROTATION in container.sections:
        rotation = container.reader(ROTATION)
        router["rotation"] = [rotation.floats(dimension) for _ in range(padded)]
    return router


def read_id_table(container):
    directory, buckets = container.reader(DIRECTORY), container.reader(BUCKETS)
    lowest, highest, count = directory.unpack("QQI")
    width = (highest - lowest) // count + 1
    entries = []
    for number in range(count):
        bucket = buckets.take(directory.varint())
        require(crc32c(bucket[:-4]) == struct.unpack("<I", bucket[-4:])[0], "bucket damaged")
        for hash_value, numeric_id in struct.iter_unpack("<QQ", bucket[:-4]):
            require(min(count - 1, (hash_value - lowest) // width) == number, "in the wrong bucket")
            entries.append([hash_value, numeric_id])
    directory.finish()
    buckets.finish()
    return {"entries": entries}


def read_query_set(container):
    count, dimension, k, flags = container.reader(PARAMETERS).unpack("4I")
    queries, neighbours = container.reader(QUERIES), container.reader(NEIGHBOURS)

    def external_id():
        return neighbours.take(neighbours.varint()).decode()

    own, found = [], []
    rows = [queries.floats(dimension) for _ in range(count)]
    for _ in range(count):
        if flags & 1:
            own.append(external_id())
        found.append([external_id() for _ in range(neighbours.varint())])
    queries.finish()
    neighbours.finish()
    return {"k": k, "queries": rows, "ownIDs": own if flags & 1 else None, "neighbours": found}


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], "rb") as file:
        data = file.read()
    try:
        container = Container(data)
        read = {"shard": read_shard, "router": read_router, "idTable": read_id_table,
                "querySet": read_query_set}[container.kind]
        json.dump(read(container), sys.stdout, ensure_ascii=False)
    except (ValueError, KeyError, struct.error) as error:
        print(f"{sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
