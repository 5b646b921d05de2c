// What a query may ask of a version; out of range is an error, never a silent clamp.
import Catalog
import SearchProtocol
import TesseraBase
import VectorCore
import Worker

/// Checks a query's parameters against a version.
struct QueryLimits {
    static let largestK = 10_000
    static let largestRefineDepth = 100_000

    private let index: IndexDescription

    init(_ index: IndexDescription) {
        self.index = index
    }

    /// Throws `invalidArgument` unless the queries have the index's dimension.
    func check(_ queries: VectorFile) throws(TesseraError) {
        guard queries.dimension == index.dimension else {
            throw TesseraError(
                .invalidArgument,
                "\(queries.path) has \(queries.dimension) dimensions, index '\(index.name)' has \(index.dimension): "
                    + "make the queries as the index's vectors were made"
            )
        }
    }

    /// What the cheapest operating point that reaches `recall` asks for.
    func options(k: Int, recall: Double, batch: Int) throws(TesseraError) -> SearchOptions {
        let point = try index.operatingPoint(recall: recall)
        if let measured = index.queries?.k, k > measured {
            throw TesseraError(
                .invalidArgument,
                "--recall was measured for \(measured) results, not for \(k); "
                    + "leave it out and give --nprobe and --refine")
        }
        return try options(k: k, nprobe: point.nprobe, refine: point.refineDepth, batch: batch)
    }

    /// The search options asked for, filled up from the manifest.
    func options(k: Int, nprobe: Int?, refine: Int?, batch: Int) throws(TesseraError)
        -> SearchOptions
    {
        let lists = index.shards.reduce(0) { $0 + $1.lists }
        let most = min(Self.largestK, index.vectors)
        try require("-k", k, 1...most, most < index.vectors ? "" : ", the vectors there are")
        try require("--nprobe", nprobe ?? 1, 1...lists, ", the lists of all shards")
        try require(
            "--refine", refine ?? k, k...max(k, Self.largestRefineDepth), ", and no less than k")
        try require("--batch", batch, 1...100_000)
        let probes = nprobe ?? index.search.nprobe
        return SearchOptions(
            k: k, probeCount: probes, refineDepth: refine ?? max(index.search.refineDepth, 10 * k),
            probeShards: index.probeShards(probes: probes))
    }

    private func require(
        _ name: String, _ value: Int, _ range: ClosedRange<Int>, _ why: String = ""
    )
        throws(TesseraError)
    {
        guard range.contains(value) else {
            throw TesseraError(
                .invalidArgument,
                "\(name) \(value) is out of range for index '\(index.name)'; "
                    + "give \(range.lowerBound) to \(range.upperBound)\(why)"
            )
        }
    }
}
