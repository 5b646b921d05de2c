// What an index is built from: a protocol, so that a build reads files, memory and published shards
// in the same way.
package import TesseraBase
package import VectorCore

/// Vectors with an external id each, in an order that stays.
///
/// A build reads a source several times: ids first, then a sample, then all rows from the first to
/// the last. Each pass must yield the same rows. Any number of tasks may read at the same time.
/// Blocking work belongs on the pool that is handed in.
///
/// The digest of the input that a manifest keeps is taken from what a source yields: its stored
/// vectors, then its ids, one a line. So the same content has the same digest from any source.
package protocol VectorSource: Sendable {
    /// The source as errors name it, such as a path.
    var name: String { get }
    var dimension: Int { get }
    /// How components are stored in what ``vectors(from:atMost:on:)`` returns.
    var elementType: ElementType { get }
    /// The number of rows; nil where only a pass can tell.
    var count: Int? { get }
    /// The ids, where they can be looked up by row number; nil where ``ids(from:atMost:on:)``
    /// yields them.
    var ids: ExternalIDs? { get }

    /// The next rows from `first` on, `[count][dimension]` of the element type, little-endian.
    ///
    /// - Returns: `most` rows, fewer where the source ends before, none behind its last row.
    func vectors(
        from first: Int, atMost most: Int, on pool: WorkPool
    ) async throws(TesseraError) -> [UInt8]

    /// Chosen rows, ascending, as ``vectors(from:atMost:on:)`` returns them.
    func vectors(at rows: [Int], on pool: WorkPool) async throws(TesseraError) -> [UInt8]

    /// The UTF-8 bytes of the next ids from row `first` on; as many as ``vectors(from:atMost:on:)``
    /// returns rows.
    func ids(
        from first: Int, atMost most: Int, on pool: WorkPool
    ) async throws(TesseraError) -> [[UInt8]]
}

extension VectorSource {
    /// Bytes of one stored vector.
    package var rowBytes: Int { dimension * elementType.size }

    /// Default: one pass up to the last row asked for. Override where rows can be read directly.
    package func vectors(
        at rows: [Int], on pool: WorkPool
    ) async throws(TesseraError) -> [UInt8] {
        let batchRows = max(1, (16 << 20) / rowBytes)
        var chosen: [UInt8] = []
        chosen.reserveCapacity(rows.count * rowBytes)
        var rest = rows[...]
        var first = 0
        while !rest.isEmpty {
            let batch = try await vectors(from: first, atMost: batchRows, on: pool)
            guard !batch.isEmpty else { throw endsEarly(at: first) }
            let end = first + batch.count / rowBytes
            while let row = rest.first, row < end {
                let start = (row - first) * rowBytes
                chosen += batch[start..<start + rowBytes]
                rest.removeFirst()
            }
            first = end
        }
        return chosen
    }

    /// Default: the ids looked up by row number. Override where ``ids`` is nil.
    package func ids(
        from first: Int, atMost most: Int, on pool: WorkPool
    ) async throws(TesseraError) -> [[UInt8]] {
        guard let ids else { return [] }
        return try await pool.run { () throws(TesseraError) in
            var batch: [[UInt8]] = []
            try ids.forEach(in: first..<max(first, min(first + most, ids.count))) { _, id in
                unsafe batch.append(id.withUnsafeBytes { unsafe Array($0) })
            }
            return batch
        }
    }

    /// The failure of a source that has fewer rows than before.
    func endsEarly(at row: Int) -> TesseraError {
        TesseraError(
            .unavailable,
            "\(name) ends at row \(row): it changed while in use; leave it alone while it is read")
    }
}
