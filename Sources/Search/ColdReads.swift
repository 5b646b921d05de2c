// Round trips of a cold search: ranges of several objects, coalesced and read concurrently within a
// memory budget.
import ObjectStore
import SearchTypes
import TesseraBase

/// A byte range to read from an object.
struct WantedRange: Sendable {
    let key: ObjectKey
    let range: Range<UInt64>
}

/// Reads ranges for cold searches. Each coalesced read is one request to the store.
struct ColdReads: Sendable {
    /// Requests under way at once.
    private static let concurrency = 64

    let store: any ObjectStore
    /// Most bytes that may be read before they are used.
    let memoryBudget: UInt64

    /// One read of one object, and the wanted ranges it covers.
    struct Read: Sendable {
        let key: ObjectKey
        let span: Range<UInt64>
        /// Indices into the wanted ranges.
        let members: [Int]
    }

    /// Plans the reads of `wanted` in waves. The reads of a wave go out together and fit the
    /// budget; a plan of one wave is one round trip.
    func waves(_ wanted: [WantedRange]) -> [[Read]] {
        var byKey: [ObjectKey: [Int]] = [:]
        var keys: [ObjectKey] = []
        for (index, part) in wanted.enumerated() {
            if byKey[part.key] == nil { keys.append(part.key) }
            byKey[part.key, default: []].append(index)
        }
        var waves: [[Read]] = []
        var size: UInt64 = 0
        for key in keys {
            let indices = byKey[key] ?? []
            for read in RangeReads.coalesce(indices.map { wanted[$0].range }) {
                let bytes = UInt64(read.span.count)
                if waves.isEmpty || size + bytes > memoryBudget {
                    waves.append([])
                    size = 0
                }
                size += bytes
                waves[waves.count - 1].append(
                    Read(key: key, span: read.span, members: read.members.map { indices[$0] }))
            }
        }
        return waves
    }

    /// Reads one wave; returns the bytes of each read, in order.
    func bring(_ reads: [Read], _ receipt: inout Receipt) async throws(TesseraError) -> [[UInt8]] {
        receipt.roundTrips += 1
        receipt.reads += reads.count
        receipt.bytesRead += reads.reduce(0) { $0 + $1.span.count }
        let store = store
        return try await mapConcurrently(reads, width: Self.concurrency) {
            read throws(TesseraError) in
            try await store.storedPart(read.key, read.span)
        }
    }

    /// Reads `wanted` wave by wave and passes each range to `body` as soon as its wave has arrived.
    /// A range that `body` reports as damaged is read once more.
    func forEach(
        _ wanted: [WantedRange], _ receipt: inout Receipt,
        _ body: (Int, ArraySlice<UInt8>) async throws(TesseraError) -> Void
    ) async throws(TesseraError) {
        for wave in waves(wanted) {
            let buffers = try await bring(wave, &receipt)
            for (read, buffer) in zip(wave, buffers) {
                for index in read.members {
                    let start = Int(wanted[index].range.lowerBound - read.span.lowerBound)
                    let bytes = buffer[start..<start + wanted[index].range.count]
                    try await use(bytes, wanted[index]) { part async throws(TesseraError) in
                        try await body(index, part)
                    }
                }
            }
        }
    }

    private func use(
        _ bytes: ArraySlice<UInt8>, _ wanted: WantedRange,
        _ body: (ArraySlice<UInt8>) async throws(TesseraError) -> Void
    ) async throws(TesseraError) {
        var first: ArraySlice<UInt8>? = bytes
        try await store.rereadingOnce(wanted.key) { () async throws(TesseraError) in
            if let part = first {
                first = nil
                try await body(part)
            } else {
                try await body(try await store.storedPart(wanted.key, wanted.range)[...])
            }
        }
    }
}
