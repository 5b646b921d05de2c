// Decodes the refine rows and ids of a whole shard into memory.
import ShardFile
import TesseraBase
import VectorCore
import VectorIndex

/// The contents of a shard's rows section.
struct RowsAndIDs: Sendable {
    let rows: RefineRows?
    let ids: ResidentIDs

    /// Decodes the section. Throws `corrupted` if a row or an id block does not match its checksum.
    ///
    /// - Parameter bytes: the bytes of ``ShardHead/rowsRange``.
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
        var text: [UInt8] = []
        var starts: [UInt32] = [0]
        starts.reserveCapacity(head.vectorCount + 1)
        for (list, entry) in head.lists.enumerated() {
            for row in entry.firstRow..<entry.firstRow + entry.count {
                guard let rows, let range = head.refineRange(row: row, list: list) else { break }
                let payload = try head.refineRow(part(range), row: row)
                rows.store(payload.span, row: row, dimension: head.dimension)
            }
        }
        while starts.count <= head.vectorCount {
            let place = head.idPlace(row: starts.count - 1)
            for id in try head.ids(Array(part(place.range)), at: place) {
                text += id.utf8
                starts.append(UInt32(text.count))
            }
        }
        self.rows = rows
        ids = ResidentIDs(text: text, starts: starts)
    }
}
