// A question to the planner, `vectors=1e9,recall=0.95,cache=10%,workers=8`, parsed and checked.
import Foundation
import Reporting
package import TesseraBase

/// A question about an index that is not built yet.
package struct WhatIf: Sendable, Equatable, Codable {
    package static let keys = [
        "vectors", "dim", "recall", "nprobe", "refine", "cache", "workers", "store-ms",
        "store-mbps",
    ]

    package var vectors: Int
    /// Must equal the dimension of the sample; nil takes it.
    package var dimension: Int?
    /// Wanted recall@10; nil searches with `nprobe` or the default.
    package var recall: Double?
    package var nprobe: Int?
    package var refineDepth: Int?
    /// Share of the shards held in memory; the others are read from the store.
    package var cachedShare = 1.0
    package var workers = 1
    /// Time of a round trip to the store; nil measures it.
    package var storeMilliseconds: Double?
    package var storeMegabytesPerSecond: Double?

    package init(vectors: Int) {
        self.vectors = vectors
    }

    /// Parses a question.
    ///
    /// - Throws: `invalidArgument` that names the part it does not understand, and what it accepts.
    package init(parsing text: String) throws(TesseraError) {
        var values: [String: String] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let pair = part.split(separator: "=", maxSplits: 1).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard pair.count == 2, Self.keys.contains(pair[0]) else {
                throw TesseraError(
                    .invalidArgument,
                    "--what-if does not know '\(part)'; write key=value, the keys are "
                        + Self.keys.joined(separator: ", "))
            }
            guard values.updateValue(pair[1], forKey: pair[0]) == nil else {
                throw TesseraError(.invalidArgument, "--what-if names '\(pair[0])' twice")
            }
        }
        try self.init(values)
    }

    private init(_ values: [String: String]) throws(TesseraError) {
        func number(_ key: String, _ range: ClosedRange<Double>) throws(TesseraError) -> Double? {
            guard let text = values[key] else { return nil }
            let isShare = key == "cache" && text.hasSuffix("%")
            let value = Double(isShare ? String(text.dropLast()) : text)
            guard let value, range.contains(isShare ? value / 100 : value) else {
                let ends =
                    key == "cache"
                    ? "0% to 100%"
                    : "\(Wording.short(range.lowerBound)) to \(Wording.short(range.upperBound))"
                throw TesseraError(
                    .invalidArgument, "--what-if \(key)=\(text) is out of range; give \(ends)")
            }
            return isShare ? value / 100 : value
        }
        func whole(_ key: String, _ range: ClosedRange<Double>) throws(TesseraError) -> Int? {
            guard let value = try number(key, range) else { return nil }
            guard value == value.rounded() else {
                throw TesseraError(
                    .invalidArgument, "--what-if \(key)=\(values[key] ?? "") is no whole number")
            }
            return Int(value)
        }
        guard let vectors = try whole("vectors", 1...1e11) else {
            throw TesseraError(
                .invalidArgument, "--what-if does not say how many vectors; add vectors=1e9")
        }
        self.init(vectors: vectors)
        dimension = try whole("dim", 1...65_536)
        recall = try number("recall", 0...1)
        if let recall, recall <= 0 || recall >= 1 {
            throw TesseraError(
                .invalidArgument,
                "--what-if recall=\(values["recall"] ?? "") cannot be planned for; "
                    + "give more than 0 and less than 1")
        }
        nprobe = try whole("nprobe", 1...1e6)
        refineDepth = try whole("refine", 1...100_000)
        cachedShare = try number("cache", 0...1) ?? 1
        workers = try whole("workers", 1...10_000) ?? 1
        storeMilliseconds = try number("store-ms", 0...60_000)
        storeMegabytesPerSecond = try number("store-mbps", 0.001...1e6)
        if recall != nil, nprobe != nil || refineDepth != nil {
            throw TesseraError(
                .invalidArgument,
                "--what-if has recall, and nprobe or refine as well: one follows from the other; leave one out"
            )
        }
    }
}
