// Parts and their answers as messages. Nothing a message says is believed before it is checked.
package import Foundation
package import TesseraBase
package import VectorCore

package typealias WireSearchRequest = Tessera_Worker_V1_SearchRequest
package typealias WireSearchResponse = Tessera_Worker_V1_SearchResponse

extension PartsRequest {
    package var message: WireSearchRequest {
        var message = WireSearchRequest()
        message.index = index
        message.version = UInt32(clamping: version)
        message.k = UInt32(clamping: k)
        message.refineDepth = UInt32(clamping: refineDepth)
        message.timeoutMicroseconds = timeout.map(Self.microseconds) ?? 0
        message.dimension = UInt32(clamping: queries.columns)
        message.queries = WireFloats.data(queries.elements)
        message.transformed = WireFloats.data(transformed?.elements ?? [])
        message.partQueries = parts.map { UInt32(clamping: $0.query) }
        message.partLists = parts.map { UInt32(clamping: $0.lists.count) }
        message.shards = parts.flatMap(\.shards)
        message.lists = parts.flatMap(\.lists)
        return message
    }

    /// Throws `invalidArgument` for a message no coordinator makes.
    package init(_ message: WireSearchRequest) throws(TesseraError) {
        func check(_ holds: Bool, _ what: String) throws(TesseraError) {
            guard holds else {
                throw TesseraError(.invalidArgument, "the search request has \(what)")
            }
        }
        let dimension = Int(message.dimension)
        try check((1...WireLimits.dimension).contains(dimension), "impossible dimensions")
        try check((1...WireLimits.k).contains(Int(message.k)), "k \(message.k)")
        try check(
            Int(message.refineDepth) <= WireLimits.refineDepth, "refine \(message.refineDepth)")
        try check(message.partQueries.count <= WireLimits.parts, "too many parts")
        try check(message.partLists.count == message.partQueries.count, "parts without lists")
        try check(message.shards.count <= WireLimits.lists, "too many lists")
        try check(message.lists.count == message.shards.count, "lists without shards")
        let total = message.partLists.reduce(UInt64(0)) { $0 + UInt64($1) }
        try check(total == UInt64(message.lists.count), "another number of lists than it says")
        let queries = try WireFloats.matrix(message.queries, columns: dimension, "queries")
        try check((1...WireLimits.queries).contains(queries.rows), "\(queries.rows) queries")
        try check(
            message.partQueries.allSatisfy { $0 < queries.rows }, "a part of no query of it")
        index = message.index
        version = Int(message.version)
        k = Int(message.k)
        refineDepth = Int(message.refineDepth)
        timeout =
            message.timeoutMicroseconds == 0
            ? nil : .microseconds(Int64(clamping: min(message.timeoutMicroseconds, 1 << 50)))
        self.queries = queries
        transformed = try Self.transformed(message, rows: queries.rows)
        parts = Self.parts(message)
    }

    private static func transformed(_ message: WireSearchRequest, rows: Int)
        throws(TesseraError) -> Matrix?
    {
        guard !message.transformed.isEmpty else { return nil }
        let columns = message.transformed.count / 4 / rows
        guard (1...WireLimits.dimension).contains(columns) else {
            throw TesseraError(.invalidArgument, "the search request has impossible dimensions")
        }
        let matrix = try WireFloats.matrix(message.transformed, columns: columns, "rotated queries")
        guard matrix.rows == rows else {
            throw TesseraError(
                .invalidArgument, "the search request has \(matrix.rows) rotated queries of \(rows)"
            )
        }
        return matrix
    }

    /// The counts must fit, as checked.
    private static func parts(_ message: WireSearchRequest) -> [SearchPart] {
        var first = 0
        return zip(message.partQueries, message.partLists).map { query, count in
            let range = first..<first + Int(count)
            first = range.upperBound
            return SearchPart(
                query: Int(query), shards: Array(message.shards[range]),
                lists: Array(message.lists[range]))
        }
    }

    private static func microseconds(_ duration: Duration) -> UInt64 {
        // 0 would be for ever.
        UInt64(max(1, min(Double(1 << 50), duration / .microseconds(1))))
    }
}

extension WireSearchResponse {
    package init(_ answers: [PartAnswer]) {
        self.init()
        for part in answers {
            partHits.append(UInt32(clamping: part.answer.hits.count))
            costs.append(.init(part.answer.receipt, part.source))
            for hit in part.answer.hits {
                places.append(hit.place.rawValue)
                distances.append(hit.distance)
                ids.append(hit.id)
            }
        }
    }

    /// The answers to `parts`, in their order. Throws `corrupted` for a message no worker makes.
    package func answers(to parts: [SearchPart], k: Int) throws(TesseraError) -> [PartAnswer] {
        let total = partHits.reduce(UInt64(0)) { $0 + UInt64($1) }
        guard partHits.count == parts.count, costs.count == parts.count,
            total == UInt64(places.count), places.count == distances.count,
            places.count == ids.count, partHits.allSatisfy({ $0 <= k })
        else {
            throw TesseraError(.corrupted, "a worker's answer does not fit what it was asked")
        }
        var answers: [PartAnswer] = []
        answers.reserveCapacity(parts.count)
        var next = 0
        for (part, count) in zip(parts, partHits) {
            let end = next + Int(count)
            var hits: [Hit] = []
            hits.reserveCapacity(Int(count))
            for hit in next..<end {
                let place = NumericID(rawValue: places[hit])
                guard part.shards.contains(UInt32(truncatingIfNeeded: place.shard)),
                    !distances[hit].isNaN
                else {
                    throw TesseraError(
                        .corrupted, "a worker answered with a vector of a shard it was not asked")
                }
                hits.append(Hit(id: ids[hit], distance: distances[hit], place: place))
            }
            let cost = costs[answers.count]
            answers.append(
                PartAnswer(
                    answer: SearchAnswer(hits: hits, receipt: cost.receipt), source: cost.tier))
            next = end
        }
        return answers
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
        // Bounded, so that sums of many of them stay in range whatever a worker says.
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

/// Runs of float32, little-endian.
package enum WireFloats {
    package static func data(_ values: [Float]) -> Data {
        var writer = ByteWriter()
        writer.floats(values)
        return Data(writer.bytes)
    }

    /// Throws `invalidArgument` unless the bytes are whole rows of finite numbers.
    package static func matrix(_ data: Data, columns: Int, _ what: String)
        throws(TesseraError) -> Matrix
    {
        let rowBytes = 4 * columns
        guard data.count.isMultiple(of: rowBytes) else {
            throw TesseraError(
                .invalidArgument, "\(what): \(data.count) bytes are no rows of \(columns) floats")
        }
        var reader = ByteReader([UInt8](data), what: what)
        let values = try reader.floats(data.count / 4)
        guard values.allSatisfy(\.isFinite) else {
            throw TesseraError(.invalidArgument, "\(what): a component is not a finite number")
        }
        return Matrix(rows: data.count / rowBytes, columns: columns, elements: values)
    }
}
