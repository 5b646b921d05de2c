// The id table: from an external id's hash to where its vector is. A bucket is one range read.
package import TesseraBase
package import VectorCore

/// One id of an id table.
package struct IDTableEntry: Sendable, Equatable {
    /// ``VectorCore/StableHash`` of the external id's UTF-8 bytes.
    package let hash: UInt64
    package let id: NumericID

    package init(hash: UInt64, id: NumericID) {
        self.hash = hash
        self.id = id
    }
}

/// An opened id table: the size of each bucket. Buckets divide the hash range evenly.
package struct IDTable: Sendable {
    private static let entriesPerBucket = 256
    private static let entrySize = 16

    /// Hashes this table holds, both ends included.
    package let hashes: ClosedRange<UInt64>
    private let buckets: [Range<UInt64>]
    private let name: String

    /// Which of `tables` tables, which divide all hashes evenly, holds `hash`.
    package static func number(of hash: UInt64, tables: Int) -> Int {
        Int(hash.multipliedFullWidth(by: UInt64(tables)).high)
    }

    /// The hashes that ``number(of:tables:)`` sends to `table`.
    package static func hashes(of table: Int, tables: Int) -> ClosedRange<UInt64> {
        func first(_ number: Int) -> UInt64 {
            // The smallest hash with hash * tables >= number * 2^64.
            UInt64(tables).dividingFullWidth((UInt64(number), UInt64(tables) - 1)).quotient
        }
        return first(table)...(table + 1 == tables ? .max : first(table + 1) - 1)
    }

    /// Writes a table of `entries`, sorted by hash and then id, all within `hashes`.
    package static func write(_ entries: [IDTableEntry], hashes: ClosedRange<UInt64>)
        throws(TesseraError) -> ContainerImage
    {
        let count = max(1, entries.count / entriesPerBucket)
        var body = ByteWriter()
        var directory = ByteWriter()
        directory.integer(hashes.lowerBound)
        directory.integer(hashes.upperBound)
        directory.integer(UInt32(count))
        var next = 0
        for bucket in 0..<count {
            let start = body.count
            while next < entries.count, Self.bucket(entries[next].hash, hashes, count) == bucket {
                body.integer(entries[next].hash)
                body.integer(entries[next].id.rawValue)
                next += 1
            }
            body.integer(Kernels.crc32c(body.bytes[start...]))
            directory.varint(UInt64(body.count - start))
        }
        precondition(next == entries.count, "entries must be sorted and within the table's range")
        var container = ContainerWriter(.idTable)
        try container.append(.buckets, body.bytes)
        try container.append(.directory, directory.bytes)
        return container.finish()
    }

    /// Opens a table from exactly its `open` range.
    package init(tail: [UInt8], name: String) throws(TesseraError) {
        let container = try ContainerReader(tail: tail, kind: .idTable, name: name)
        var reader = ByteReader(
            try container.tailSection(.directory), what: "directory of \(name)")
        let lower = try reader.integer(UInt64.self)
        let upper = try reader.integer(UInt64.self)
        let count = try reader.integer(UInt32.self)
        let section = try container.section(.buckets).range
        var offset = section.lowerBound
        var buckets: [Range<UInt64>] = []
        for _ in 0..<count {
            let length = try reader.varint()
            guard length >= 4, length % UInt64(Self.entrySize) == 4,
                length <= section.upperBound - offset
            else { throw TesseraError(.corrupted, "\(name) has an impossible bucket") }
            buckets.append(offset..<offset + length)
            offset += length
        }
        try reader.finish()
        guard lower <= upper, count > 0, offset == section.upperBound else {
            throw TesseraError(.corrupted, "\(name): the directory does not fit its buckets")
        }
        hashes = lower...upper
        self.buckets = buckets
        self.name = name
    }

    /// Range of the bucket that has the entries of `hash`, if there are any.
    package func range(of hash: UInt64) -> Range<UInt64> {
        buckets[Self.bucket(hash, hashes, buckets.count)]
    }

    /// The places of `hash` in a bucket's bytes; several where hashes collide.
    package func places(of hash: UInt64, in bucket: [UInt8]) throws(TesseraError) -> [NumericID] {
        let what = "\(name): a bucket"
        guard let entries = Checksummed.payload(of: bucket[...]) else {
            throw TesseraError(.corrupted, "\(what) does not match its checksum")
        }
        var places: [NumericID] = []
        var cursor = ByteReader(entries, what: what)
        while cursor.remaining > 0 {
            let found = try cursor.integer(UInt64.self)
            let id = NumericID(rawValue: try cursor.integer(UInt64.self))
            if found == hash { places.append(id) }
        }
        return places
    }

    private static func bucket(_ hash: UInt64, _ hashes: ClosedRange<UInt64>, _ count: Int) -> Int {
        let width = (hashes.upperBound - hashes.lowerBound) / UInt64(count) &+ 1
        let offset = hash < hashes.lowerBound ? 0 : hash - hashes.lowerBound
        return width == 0 ? 0 : min(count - 1, Int(offset / width))
    }
}
