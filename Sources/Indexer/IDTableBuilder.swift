// Collects the place of every id, and writes the id tables: one for each range of hashes.
import ShardFile
import TesseraBase
import VectorCore

/// Builds id tables in bounded memory: entries are spilled by hash range and sorted one range at a
/// time.
struct IDTableBuilder: Sendable {
    private static let entriesPerTable = 4_000_000
    private static let memoryBudget = 64 << 20

    private let spill: VectorSpill
    private let tableCount: Int

    init(vectors: Int, scratchFolder: String) throws(TesseraError) {
        tableCount = max(1, (vectors + Self.entriesPerTable - 1) / Self.entriesPerTable)
        spill = try VectorSpill(
            scratchFolder: scratchFolder, cells: tableCount, rowBytes: 8,
            memoryBudget: Self.memoryBudget)
    }

    /// Adds a shard's ids, in row order.
    func append(_ hashes: [UInt64], shard: Int) throws(TesseraError) {
        var writer = ByteWriter()
        for hash in hashes { writer.integer(hash) }
        try spill.append(
            cells: hashes.map { IDTable.number(of: $0, tables: tableCount) },
            rows: hashes.indices.map { NumericID(shard: shard, row: $0).rawValue }, writer.bytes)
    }

    /// The tables there will be, once all ids are in.
    func tables() throws(TesseraError) -> Range<Int> {
        try spill.finish()
        return 0..<tableCount
    }

    /// One table, sorted.
    func write(_ table: Int) throws(TesseraError) -> (image: ContainerImage, entries: Int) {
        let spilled = try spill.read(cell: table)
        var reader = ByteReader(spilled.raw, what: "scratch")
        var entries: [IDTableEntry] = []
        for id in spilled.rowNumbers {
            entries.append(
                IDTableEntry(hash: try reader.integer(UInt64.self), id: NumericID(rawValue: id)))
        }
        entries.sort { ($0.hash, $0.id) < ($1.hash, $1.id) }
        let hashes = IDTable.hashes(of: table, tables: tableCount)
        return (try IDTable.write(entries, hashes: hashes), entries.count)
    }
}
