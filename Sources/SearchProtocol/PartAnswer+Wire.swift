// Answers to parts as protobuf messages. Every field is checked before it is used.
package import SearchTypes
package import TesseraBase
import VectorCore

/// The message of answers to a leaf request.
package typealias WireSearchResponse = Tessera_Worker_V1_SearchResponse

extension WireSearchResponse {
    /// Writes the answers of one leaf request.
    package init(_ answers: [PartAnswer]) {
        self.init()
        let tellsEstimates = answers.contains { $0.estimates != nil }
        for part in answers {
            partHits.append(UInt32(clamping: part.answer.hits.count))
            costs.append(.init(part.answer.receipt, part.source))
            for hit in part.answer.hits {
                places.append(hit.place.rawValue)
                distances.append(hit.distance)
                ids.append(hit.id)
            }
            guard tellsEstimates else { continue }
            partCandidates.append(UInt32(clamping: part.estimates?.candidates.count ?? 0))
            candidateEstimates += part.estimates?.candidates ?? []
            hitEstimates += part.estimates?.hits ?? []
        }
    }

    /// Reads the answers to the parts of a request, in their order. Throws `corrupted` for a
    /// message that no worker makes.
    package func answers(
        to parts: [SearchPart], k: Int, refineDepth: Int
    ) throws(TesseraError) -> [PartAnswer] {
        let total = partHits.reduce(UInt64(0)) { $0 + UInt64($1) }
        guard partHits.count == parts.count, costs.count == parts.count,
            total == UInt64(places.count), places.count == distances.count,
            places.count == ids.count
        else { throw Self.misfit }
        let estimates = try estimates(of: parts, depth: max(k, refineDepth))
        var answers: [PartAnswer] = []
        answers.reserveCapacity(parts.count)
        var next = 0
        for (number, part) in parts.enumerated() {
            let count = Int(partHits[number])
            guard estimates[number] != nil || count <= k else { throw Self.misfit }
            let hits = try hits(next..<next + count, of: part)
            next += count
            answers.append(
                PartAnswer(
                    answer: SearchAnswer(hits: hits, receipt: costs[number].receipt),
                    source: costs[number].tier, estimates: estimates[number]))
        }
        return answers
    }

    private static let misfit = TesseraError(
        .corrupted, "a worker's answer does not fit its request")

    /// Reads the hits of one part. The range must fit the fields.
    private func hits(_ range: Range<Int>, of part: SearchPart) throws(TesseraError) -> [Hit] {
        var hits: [Hit] = []
        hits.reserveCapacity(range.count)
        for hit in range {
            let place = NumericID(rawValue: places[hit])
            guard part.shards.contains(UInt32(truncatingIfNeeded: place.shard)),
                !distances[hit].isNaN
            else {
                throw TesseraError(
                    .corrupted,
                    "a worker answered with a vector of a shard that was not in its request")
            }
            hits.append(Hit(id: ids[hit], distance: distances[hit], place: place))
        }
        return hits
    }

    /// Reads the estimates of each shared part, if the worker tells them. Throws `corrupted` if
    /// they do not have the form that cutting relies on.
    private func estimates(of parts: [SearchPart], depth: Int) throws(TesseraError)
        -> [PartEstimates?]
    {
        var estimates = [PartEstimates?](repeating: nil, count: parts.count)
        guard !partCandidates.isEmpty else { return estimates }
        let total = partCandidates.reduce(UInt64(0)) { $0 + UInt64($1) }
        let hits = zip(parts, partHits).reduce(UInt64(0)) {
            $0 + ($1.0.isShared ? UInt64($1.1) : 0)
        }
        guard partCandidates.count == parts.count, total == UInt64(candidateEstimates.count),
            hits == UInt64(hitEstimates.count), !hitEstimates.contains(where: \.isNaN)
        else { throw Self.misfit }
        var (candidate, hit) = (0, 0)
        for (number, part) in parts.enumerated() where part.isShared {
            let candidates = Int(partCandidates[number])
            let end = hit + Int(partHits[number])
            guard end - hit <= candidates, candidates <= depth,
                candidate + candidates <= candidateEstimates.count
            else { throw Self.misfit }
            let ascending = candidateEstimates[candidate..<candidate + candidates]
            guard zip(ascending, ascending.dropFirst()).allSatisfy({ $0 <= $1 }),
                ascending.first?.isNaN != true
            else { throw Self.misfit }
            estimates[number] = PartEstimates(
                hits: Array(hitEstimates[hit..<end]), candidates: Array(ascending))
            (candidate, hit) = (candidate + candidates, end)
        }
        return estimates
    }
}

extension Tessera_Worker_V1_Cost {
    init(_ receipt: Receipt, _ tier: AnswerSource) {
        self.init()
        shardsTouched = UInt32(clamping: receipt.shardsTouched)
        listsScanned = UInt32(clamping: receipt.listsScanned)
        listsSkipped = UInt32(clamping: receipt.listsSkipped)
        codesScanned = UInt64(clamping: receipt.codesScanned)
        rowsRefined = UInt64(clamping: receipt.rowsRefined)
        bytesRead = UInt64(clamping: receipt.bytesRead)
        reads = UInt32(clamping: receipt.reads)
        roundTrips = UInt32(clamping: receipt.roundTrips)
        scanNanoseconds = Self.nanoseconds(receipt.scan)
        refineNanoseconds = Self.nanoseconds(receipt.refine)
        resolveNanoseconds = Self.nanoseconds(receipt.resolve)
        source =
            switch tier {
            case .ram, .cache: .ram
            case .disk: .disk
            case .store: .store
            }
    }

    var receipt: Receipt {
        // Bounded, so that sums of many counts stay in range whatever a worker sends.
        func number(_ value: UInt64) -> Int { Int(min(value, 1 << 40)) }
        var receipt = Receipt()
        receipt.shardsTouched = Int(shardsTouched)
        receipt.listsScanned = Int(listsScanned)
        receipt.listsSkipped = Int(listsSkipped)
        receipt.codesScanned = number(codesScanned)
        receipt.rowsRefined = number(rowsRefined)
        receipt.bytesRead = number(bytesRead)
        receipt.reads = Int(reads)
        receipt.roundTrips = Int(roundTrips)
        receipt.scan = .nanoseconds(number(scanNanoseconds))
        receipt.refine = .nanoseconds(number(refineNanoseconds))
        receipt.resolve = .nanoseconds(number(resolveNanoseconds))
        return receipt
    }

    var tier: AnswerSource {
        switch source {
        case .disk: .disk
        case .store: .store
        default: .ram
        }
    }

    private static func nanoseconds(_ duration: Duration) -> UInt64 {
        UInt64(max(0, min(1e18, duration / .nanoseconds(1))))
    }
}
