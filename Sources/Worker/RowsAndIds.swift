// Refine rows and ids of a shard brought into memory whole.
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// External ids of a shard's rows, one after another.
struct ResidentIds: Sendable {
    private var text: [UInt8] = []
    private var ends: [UInt32] = []

    init(vectors: Int) {
        ends.reserveCapacity(vectors)
    }

    mutating func append(_ id: String) {
        text += id.utf8
        ends.append(UInt32(text.count))
    }

    var count: Int { ends.count }
    /// Bytes of memory this takes.
    var bytes: Int { text.count + 4 * ends.count }

    subscript(row: Int) -> String {
        let start = row == 0 ? 0 : Int(ends[row - 1])
        return String(decoding: text[start..<Int(ends[row])], as: UTF8.self)
    }
}

/// What a shard's rows section holds.
struct RowsAndIds: Sendable {
    let rows: RefineRows?
    let ids: ResidentIds

    /// Takes it apart. Throws `corrupted` where a row or an id block does not match its checksum.
    ///
    /// - Parameter bytes: those of ``ShardHead/rowsRange``.
    init(_ head: ShardHead, _ bytes: [UInt8]) throws(TesseraError) {
        let section = head.rowsRange
        func part(_ range: Range<UInt64>) -> ArraySlice<UInt8> {
            bytes[
                Int(
                    range.lowerBound - section.lowerBound)..<Int(
                        range.upperBound - section.lowerBound)]
        }
        let rows =
            head.refine.encoding == .none
            ? nil
            : RefineRows(
                encoding: head.refine.encoding, dimension: head.dimension, vectors: head.vectorCount
            )
        var ids = ResidentIds(vectors: head.vectorCount)
        for (list, entry) in head.lists.enumerated() {
            for row in entry.firstRow..<entry.firstRow + entry.count {
                guard let rows, let range = head.refineRange(row: row, list: list) else { break }
                let payload = try head.refineRow(part(range), row: row)
                rows.store(payload.span, row: row, dimension: head.dimension)
            }
        }
        while ids.count < head.vectorCount {
            let place = head.idPlace(row: ids.count)
            for id in try head.ids(Array(part(place.range)), at: place) { ids.append(id) }
        }
        self.rows = rows
        self.ids = ids
    }
}
