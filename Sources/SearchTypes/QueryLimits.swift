// Limits of what a query may ask of a version. A value out of range is an error and is never
// clamped silently. The command line and the HTTP API share these limits.
package import Catalog
import Foundation
package import TesseraBase

/// Checks a query's parameters against a version.
package struct QueryLimits: Sendable {
    /// How messages name a parameter: as a command-line flag or as a JSON field.
    package enum Names: Sendable {
        case flags, fields

        func name(_ field: String) -> String {
            switch self {
            case .flags: field == "k" ? "-k" : "--\(field)"
            case .fields: field
            }
        }
    }

    /// Most results of a query.
    package static let largestK = 10_000
    /// Most candidates that are re-ranked, unless `k` is larger.
    package static let largestRefineDepth = 100_000
    /// Most queries of a batch.
    package static let largestBatch = 100_000

    private let index: IndexDescription
    private let names: Names
    private let mostResults: Int
    private let lists: Int

    /// - Parameter largestK: results that a query may ask for, at most ``largestK``.
    package init(
        _ index: IndexDescription, names: Names = .flags, largestK: Int = QueryLimits.largestK
    ) {
        self.index = index
        self.names = names
        mostResults = min(largestK, Self.largestK, index.vectors)
        lists = index.shards.reduce(0) { $0 + $1.lists }
    }

    /// The options of the cheapest operating point that reaches `recall`.
    ///
    /// - Throws: `invalidArgument` for parameters out of range, `notFound` if recall was not
    ///   measured or no point reaches it.
    package func options(k: Int, recall: Double, batch: Int) throws(TesseraError) -> SearchOptions {
        let point = try operatingPoint(recall)
        if let measured = index.queries?.k, k > measured {
            throw TesseraError(
                .invalidArgument,
                "\(names.name("recall")) was measured for \(measured) results, not for \(k); "
                    + "leave it out and give \(names.name("nprobe")) and \(names.name("refine"))")
        }
        return try options(k: k, nprobe: point.nprobe, refine: point.refineDepth, batch: batch)
    }

    private func operatingPoint(_ recall: Double) throws(TesseraError) -> OperatingPoint {
        do throws(TesseraError) {
            return try index.operatingPoint(recall: recall)
        } catch  where names == .fields {
            var message = error.message
            for name in ["recall", "nprobe", "refine"] {
                message = message.replacingOccurrences(of: "--\(name)", with: name)
            }
            throw TesseraError(error.code, message)
        }
    }

    /// The options asked for; what is nil comes from the manifest. Throws `invalidArgument` for a
    /// parameter out of range.
    package func options(k: Int, nprobe: Int?, refine: Int?, batch: Int) throws(TesseraError)
        -> SearchOptions
    {
        try require(
            "k", k, 1...mostResults, mostResults < index.vectors ? "" : ", the vectors there are")
        if let nprobe { try require("nprobe", nprobe, 1...lists, ", the lists of all shards") }
        if let refine {
            try require(
                "refine", refine, k...max(k, Self.largestRefineDepth), ", and no less than k")
        }
        try require("batch", batch, 1...Self.largestBatch)
        let probes = nprobe ?? index.search.nprobe
        return SearchOptions(
            k: k, probeCount: probes, listMargin: index.listMargin(probes: probes, of: lists),
            refineDepth: refine ?? max(index.search.refineDepth, 10 * k),
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
                "\(names.name(name)) \(value) is out of range for index '\(index.name)'; "
                    + "give \(range.lowerBound) to \(range.upperBound)\(why)"
            )
        }
    }
}
