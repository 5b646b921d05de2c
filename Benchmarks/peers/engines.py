"""The peers behind one face: build an index into a folder, load it, set it, search it. One process holds one index.

A peer's package is imported only when it is used, so that a missing one can be reported and the others still run.
"""
import importlib.metadata, time
import numpy as np

K = 10


class Faiss:
    """IVF with 4-bit or 8-bit codes and exact re-ranking, with a flat or an HNSW coarse quantizer."""
    package = "faiss-cpu"
    indexes = {
        "1m": ["IVF1024,PQ48x4fs,RFlat", "IVF2048,PQ48x4fs,RFlat", "IVF4096,PQ48x4fs,RFlat", "IVF2048,PQ32x4fs,RFlat",
               "IVF4096_HNSW32,PQ48x4fs,RFlat", "IVF2048,PQ32np,RFlat", "IVF2048,SQ8"],
        "mnist": ["IVF256,PQ98x4fs,RFlat", "IVF256,PQ196x4fs,RFlat", "IVF256_HNSW32,PQ98x4fs,RFlat",
                  "IVF256,PQ98np,RFlat", "IVF256,SQ8"],
    }

    def __init__(self):
        import faiss
        self.faiss = faiss

    def version(self):
        extra = self.faiss.get_compile_options().split()
        return f"{self.faiss.__version__} ({' '.join(extra)})"

    def build(self, base, index, folder, threads):
        """The coarse centroids of one list count serve every factory that shares it; their time counts for each."""
        self.faiss.omp_set_num_threads(threads)
        built = self.faiss.index_factory(base.shape[1], index)
        ivf = self.faiss.extract_index_ivf(built)
        centroids, seconds = self._centroids(base, ivf.nlist, folder.parent)
        ivf.quantizer.add(centroids)
        built.train(base)
        built.add(base)
        self.faiss.write_index(built, str(folder / "index"))
        return seconds

    def _centroids(self, base, count, folder):
        path = folder / f"centroids-{count}.npz"
        if path.exists():
            kept = np.load(path)
            return kept["centroids"], float(kept["seconds"])
        start = time.perf_counter()
        # What IndexIVF trains with: 10 rounds, at most 256 vectors a centroid.
        means = self.faiss.Kmeans(base.shape[1], count, niter=10, seed=1234)
        means.train(base)
        seconds = time.perf_counter() - start
        np.savez(path, centroids=means.centroids, seconds=seconds)
        return means.centroids, 0.0

    def load(self, index, folder):
        self.faiss.omp_set_num_threads(1)
        self.index = self.faiss.read_index(str(folder / "index"))
        self.ivf = self.faiss.extract_index_ivf(self.index)
        self.hnsw = "_HNSW" in index
        if self.hnsw:
            self.quantizer = self.faiss.downcast_index(self.ivf.quantizer)

    def settings(self, index, dataset):
        probes = [4, 6, 8, 12, 16, 24, 32, 48, 64, 96] if dataset == "1m" else [1, 2, 4, 8, 16, 32, 64]
        factors = [1, 2, 3, 4, 6, 10, 16, 24] if "RFlat" in index else [1]
        return [{"nprobe": probe, "k_factor": factor} for probe in probes for factor in factors]

    def apply(self, nprobe, k_factor):
        self.ivf.nprobe = nprobe
        if self.hnsw:
            self.quantizer.hnsw.efSearch = max(32, nprobe)
        if hasattr(self.index, "k_factor"):
            self.index.k_factor = k_factor

    def rows(self, queries):
        return [queries[row:row + 1] for row in range(len(queries))]

    def single(self, row):
        return self.index.search(row, K)[1][0]

    def batch(self, queries):
        return self.index.search(queries, K)[1]

    def tiny(self, vectors):
        self.index = self.faiss.IndexFlatL2(vectors.shape[1])
        self.index.add(vectors)


class Hnswlib:
    package = "hnswlib"
    indexes = {"1m": ["M16,efc200"], "mnist": ["M16,efc200"]}

    def __init__(self):
        import hnswlib
        self.hnswlib = hnswlib

    def version(self):
        return importlib.metadata.version(self.package)

    def build(self, base, index, folder, threads):
        built = self._new(len(base), base.shape[1])
        built.set_num_threads(threads)
        built.add_items(base)
        built.save_index(str(folder / "index"))
        (folder / "dimension").write_text(str(base.shape[1]))
        return 0.0

    def _new(self, rows, dimension):
        made = self.hnswlib.Index(space="l2", dim=dimension)
        made.init_index(max_elements=rows, M=16, ef_construction=200, random_seed=1)
        return made

    def load(self, index, folder):
        self.index = self.hnswlib.Index(space="l2", dim=int((folder / "dimension").read_text()))
        self.index.load_index(str(folder / "index"))
        self.index.set_num_threads(1)

    def settings(self, index, dataset):
        depths = [10, 14, 20, 28, 40, 56, 80, 112, 160, 224, 320, 448, 640] if dataset == "1m" else [10, 14, 20, 28, 40, 80, 160]
        return [{"ef": depth} for depth in depths]

    def apply(self, ef):
        self.index.set_ef(ef)

    def rows(self, queries):
        return list(queries)

    def single(self, row):
        return self.index.knn_query(row, K)[0][0]

    def batch(self, queries):
        return self.index.knn_query(queries, K)[0]

    def tiny(self, vectors):
        self.index = self._new(len(vectors), vectors.shape[1])
        self.index.set_num_threads(1)
        self.index.add_items(vectors)
        self.index.set_ef(K)


class Scann:
    """A tree over the leaves, asymmetric hashing with two dimensions a block, exact re-ordering."""
    package = "scann"
    indexes = {"1m": ["tree1000,ah2", "tree2000,ah2"], "mnist": ["tree250,ah2"]}

    def __init__(self):
        import scann
        self.scann = scann.scann_ops_pybind

    def version(self):
        return importlib.metadata.version(self.package)

    def build(self, base, index, folder, threads):
        leaves = int(index.split(",")[0].removeprefix("tree"))
        built = (self.scann.builder(base, K, "squared_l2")
                 .set_n_training_threads(threads)
                 .tree(num_leaves=leaves, num_leaves_to_search=leaves // 20, training_sample_size=min(len(base), 250_000))
                 .score_ah(2, anisotropic_quantization_threshold=0.2)
                 .reorder(100).build())
        built.serialize(str(folder))
        return 0.0

    def load(self, index, folder):
        self.index = self.scann.load_searcher(str(folder))

    def settings(self, index, dataset):
        leaves = [4, 6, 8, 12, 16, 24, 32, 48, 64, 96] if dataset == "1m" else [1, 2, 4, 8, 16, 32, 64]
        depths = [20, 30, 40, 60, 100, 150, 250]
        return [{"leaves": leaf, "reorder": depth} for leaf in leaves for depth in depths]

    def apply(self, leaves, reorder):
        self.options = {"final_num_neighbors": K, "leaves_to_search": leaves, "pre_reorder_num_neighbors": reorder}

    def rows(self, queries):
        return list(queries)

    def single(self, row):
        return self.index.search(row, **self.options)[0]

    def batch(self, queries):
        return self.index.search_batched(queries, **self.options)[0]

    def tiny(self, vectors):
        self.index = self.scann.builder(vectors, K, "squared_l2").score_brute_force().build()
        self.options = {"final_num_neighbors": K}


class LanceDB:
    """A table on the local disk, warm; the distance is refined from the stored float32 column."""
    package = "lancedb"
    batches = False
    indexes = {"1m": ["IVF1000,PQ48"], "mnist": ["IVF250,PQ98"]}

    def __init__(self):
        import lancedb
        self.lancedb = lancedb

    def version(self):
        return importlib.metadata.version(self.package)

    def build(self, base, index, folder, threads):
        import pyarrow
        lists, codes = (int(part.strip("IVFPQ")) for part in index.split(","))
        kind = pyarrow.list_(pyarrow.float32(), base.shape[1])
        vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(base.reshape(-1)), base.shape[1]).cast(kind)
        rows = pyarrow.table({"row": pyarrow.array(np.arange(len(base), dtype=np.int32)), "vector": vectors})
        table = self.lancedb.connect(str(folder)).create_table("vectors", rows, mode="overwrite")
        table.create_index(metric="l2", num_partitions=lists, num_sub_vectors=codes, index_type="IVF_PQ")
        return 0.0

    def load(self, index, folder):
        self.table = self.lancedb.connect(str(folder)).open_table("vectors")

    def settings(self, index, dataset):
        probes = [4, 8, 16, 32, 64] if dataset == "1m" else [2, 4, 8, 16]
        return [{"nprobes": probe, "refine_factor": factor} for probe in probes for factor in (1, 2, 4, 10)]

    def apply(self, nprobes, refine_factor):
        self.nprobes, self.factor = nprobes, refine_factor

    def rows(self, queries):
        return list(queries)

    def single(self, row):
        found = (self.table.search(row).nprobes(self.nprobes).refine_factor(self.factor)
                 .select(["row", "_distance"]).limit(K).to_arrow())
        return found["row"].to_numpy()


ENGINES = {"faiss": Faiss, "hnswlib": Hnswlib, "scann": Scann, "lancedb": LanceDB}
