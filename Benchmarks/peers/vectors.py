"""The data sets: where their files are in the data folder, and how the missing ones are made from the others."""
import dataclasses, gzip, pathlib, subprocess, sys
import numpy as np

QUERIES = 1000
TRUTH = 100
BLOCK = 1_000_000


class Missing(Exception):
    """A file that is needed and cannot be made; the text says what to put where."""


@dataclasses.dataclass
class DataSet:
    name: str
    title: str
    rows: int
    base: pathlib.Path
    queries: pathlib.Path
    truth: pathlib.Path


def read_ints(path):
    rows, width = np.fromfile(path, np.uint32, 2)
    return np.fromfile(path, np.int32, offset=8)[: int(rows) * int(width)].reshape(rows, width)


def shape(path):
    kind = {".u8bin": np.uint8, ".i8bin": np.int8}.get(pathlib.Path(path).suffix, np.float32)
    rows, width = (int(number) for number in np.fromfile(path, np.uint32, 2))
    return kind, rows, width


def read_vectors(path):
    """Rows of a .fbin, .u8bin or .i8bin file, as float32."""
    kind, rows, width = shape(path)
    return np.ascontiguousarray(np.fromfile(path, kind, offset=8).reshape(rows, width), np.float32)


def mapped(path):
    kind, rows, width = shape(path)
    return np.memmap(path, kind, "r", offset=8, shape=(rows, width))


def write(path, rows):
    """Under another name first: a file of this name is whole."""
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        np.array(rows.shape, np.uint32).tofile(file)
        np.ascontiguousarray(rows).tofile(file)
    part.replace(path)


def source(data, name):
    path = data / name
    if not path.exists():
        raise Missing(f"{path} is missing; Benchmarks/peers/README.md says which files the data folder holds")
    return path


def mnist(data):
    base, queries, truth = data / "mnist_base.u8bin", data / f"mnist_query_{QUERIES}.u8bin", source(data, "mnist_gt.ibin")
    if not base.exists():
        raw = gzip.decompress(source(data, "mnist_base.u8bin.gz").read_bytes())
        write(base, np.frombuffer(raw, np.uint8, offset=8).reshape(-1, 784))
    if not queries.exists():
        raw = gzip.decompress(source(data, "mnist_query.u8bin.gz").read_bytes())
        write(queries, np.frombuffer(raw, np.uint8, offset=8).reshape(-1, 784)[:QUERIES])
    return checked(DataSet("mnist", "MNIST, 60,000 x 784", 60_000, base, queries, truth))


def synthetic(data, millions):
    """The first `millions` million rows of the generator's seed 1."""
    base = data / f"synth_seed1_{millions}m_base.fbin"
    queries, truth = source(data, "synth_seed1_query.fbin"), data / f"synth_seed1_{millions}m_gt.ibin"
    if not base.exists():
        part = base.with_name("part-" + base.name)
        subprocess.run([sys.executable, source(data, "gen_synth.py"), "gen", "--seed", "1",
                        "--blocks", f"0:{millions}", "--out", part], check=True)
        part.rename(base)
    if not truth.exists():
        write(truth, exact(base, read_vectors(queries)))
    return checked(DataSet(f"{millions}m", f"{millions} million x 96", millions * BLOCK, base, queries, truth))


def exact(base, queries):
    """The nearest rows of each query: candidates of each block by float32, then all of them again by float64."""
    vectors, keep = mapped(base), TRUTH + 20
    found = [candidates(np.asarray(vectors[start:start + 100_000], np.float32), queries, keep) + start
             for start in range(0, len(vectors), 100_000)]
    found = np.concatenate(found, axis=1)
    return np.stack([nearest(vectors, query, np.sort(rows)) for query, rows in zip(queries, found)])


def candidates(block, queries, keep):
    distances = (block * block).sum(1) - 2 * (queries @ block.T)
    return np.argpartition(distances, keep, axis=1)[:, :keep]


def nearest(vectors, query, rows):
    away = ((np.asarray(vectors[rows], np.float64) - query) ** 2).sum(1)
    return rows[np.argsort(away, kind="stable")[:TRUTH]].astype(np.int32)


def checked(dataset):
    """Brute force for the first 20 queries, once: the ground truth must be what it says."""
    mark = dataset.truth.with_name(dataset.truth.name + ".checked")
    if not mark.exists():
        truth = read_ints(dataset.truth)[:20]
        vectors, queries = mapped(dataset.base), read_vectors(dataset.queries)
        fresh = exact(dataset.base, queries[:20])
        for query, mine, theirs in zip(queries, fresh, truth):
            ours, given = (((np.asarray(vectors[rows[:10]], np.float64) - query) ** 2).sum(1) for rows in (mine, theirs))
            if not np.allclose(ours, given, rtol=1e-4):
                raise Missing(f"{dataset.truth} is not the ground truth of {dataset.base}")
        mark.touch()
    return dataset


def tiled(dataset, times, folder):
    """The queries over and over, so that one run lasts long enough to be timed."""
    path = folder / f"{dataset.queries.stem}_x{times}{dataset.queries.suffix}"
    write(path, np.tile(np.asarray(mapped(dataset.queries))[:QUERIES], (times, 1)))
    return path
