// What was measured of a version before it became visible, and the bound it had to reach.
package import ObjectStore
package import TesseraBase

/// The recall of a version with its own search defaults: what a search without options finds.
package struct RecallCertificate: Sendable, Equatable, Codable {
    /// Neighbours that count: recall@k.
    package var k: Int
    package var recall: Double
    package var standardError: Double
    /// The ends of the interval, four digits, rounded outwards.
    package var low: Double
    package var high: Double
    /// Confidence of the two-sided interval: 0.95.
    package var confidence: Double
    /// Number of queries, and the query set they are from.
    package var queries: Int
    package var queryDigest: ContentDigest
    /// Search parameters of the measurement.
    package var nprobe: Int
    package var refineDepth: Int
    package var probeShards: Int

    package init(
        k: Int, recall: Double, standardError: Double, low: Double, high: Double,
        confidence: Double, queries: Int, queryDigest: ContentDigest, nprobe: Int,
        refineDepth: Int, probeShards: Int
    ) {
        self.k = k
        self.recall = recall
        self.standardError = standardError
        self.low = low
        self.high = high
        self.confidence = confidence
        self.queries = queries
        self.queryDigest = queryDigest
        self.nprobe = nprobe
        self.refineDepth = refineDepth
        self.probeShards = probeShards
    }
}

/// The bound that a version had to reach when it was published.
package struct RecallGate: Sendable, Equatable, Codable {
    package static let longestReasonBytes = 1000

    /// The lower end of the interval had to reach it.
    package var minimum: Double
    package var k: Int
    /// Why the version was published although it did not.
    package var overrideReason: String?

    /// - Throws: `invalidArgument` for an impossible bound, or a reason that is empty or too long.
    package init(minimum: Double, k: Int, overrideReason: String? = nil) throws(TesseraError) {
        guard minimum > 0, minimum <= 1 else {
            throw TesseraError(
                .invalidArgument,
                "--min-recall \(minimum) is out of range; give more than 0, at most 1")
        }
        if let overrideReason, !Self.isReason(overrideReason) {
            throw TesseraError(
                .invalidArgument,
                "--override-recall wants a reason of 1 to \(Self.longestReasonBytes) bytes, for those who look later"
            )
        }
        self.minimum = minimum
        self.k = k
        self.overrideReason = overrideReason
    }

    /// The gate as it goes into the manifest: the reason is kept only if it was needed.
    ///
    /// - Parameter certificate: nil where there was nothing to measure by.
    /// - Throws: `unmet` where the bound does not hold and no reason was given; the message has
    ///   what was measured.
    package func judged(
        _ certificate: RecallCertificate?, index: String
    ) throws(TesseraError) -> RecallGate {
        if let certificate, certificate.k == k, certificate.low >= minimum {
            return try RecallGate(minimum: minimum, k: k)
        }
        guard overrideReason == nil else { return self }
        guard let certificate else {
            throw TesseraError(
                .unmet,
                "nothing was published: index '\(index)' keeps no queries, so whether recall@\(k) "
                    + "reaches \(minimum) is not known; run shardctl tune --draft on it, or publish with --override-recall REASON"
            )
        }
        let misses = certificate.high < minimum
        let mend =
            misses
            ? "train again with more bytes a code (--code-size) or a finer --refine"
            : "more queries narrow the interval (tune --draft … --tune-queries), better codes raise it"
        throw TesseraError(
            .unmet,
            "nothing was published: recall@\(k) of index '\(index)' is \(certificate.recall), "
                + "between \(certificate.low) and \(certificate.high) by \(certificate.queries) queries "
                + "(nprobe \(certificate.nprobe), refine \(certificate.refineDepth)), "
                + "and its lower end is below \(minimum): \(mend), or publish with --override-recall REASON"
        )
    }

    static func isReason(_ text: String) -> Bool {
        !text.allSatisfy(\.isWhitespace) && text.utf8.count <= longestReasonBytes
    }
}

extension Manifest {
    /// What is inconsistent in certificate and gate; nil if nothing is.
    var promiseProblem: String? {
        if let certificate {
            guard let queries = index.queries, queries.digest == certificate.queryDigest,
                (1...queries.k).contains(certificate.k), certificate.queries == queries.count
            else { return "certificate was not measured by the queries of the index" }
            let ends = [0, certificate.low, certificate.recall, certificate.high, 1]
            guard ends == ends.sorted(), (0...1).contains(certificate.standardError),
                certificate.confidence > 0, certificate.confidence < 1,
                certificate.nprobe >= 1, certificate.refineDepth >= 0, certificate.probeShards >= 1
            else { return "certificate has no possible recall or settings" }
        }
        guard let gate = recallGate else { return nil }
        guard gate.minimum > 0, gate.minimum <= 1, gate.k >= 1 else {
            return "recallGate has no possible bound"
        }
        if let reason = gate.overrideReason {
            return RecallGate.isReason(reason)
                ? nil : "recallGate.overrideReason is empty or too long"
        }
        guard let certificate, certificate.k == gate.k, certificate.low >= gate.minimum else {
            return "recallGate is not met by the certificate, and has no overrideReason"
        }
        return nil
    }
}
