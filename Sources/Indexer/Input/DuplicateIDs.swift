// Finding ids that occur twice, in bounded memory: hashes are looked at one partition after the
// other, each partition read anew, sorted, and equal hashes compared by their ids.
package import TesseraBase
import VectorCore

/// What to do with an id that occurs in several rows.
package enum DuplicatePolicy: String, Sendable, CaseIterable {
    /// Fail, naming the rows.
    case refuse
    /// Keep the last row of each id.
    case last
}

/// A search for duplicates among external ids. Its answer does not depend on the memory it is
/// given.
package struct DuplicateIDs {
    private let ids: ExternalIDs
    private let partitions: Int
    private let hash: (RawSpan) -> UInt64

    /// - Parameters:
    ///   - memoryBudget: bytes for the hashes of one partition, 16 a row; a smaller budget costs
    ///     more
    ///     passes over the ids.
    ///   - hash: what tests replace to force collisions.
    package init(
        _ ids: ExternalIDs, memoryBudget: Int = 1 << 30,
        hash: @escaping (RawSpan) -> UInt64 = { StableHash.hash($0) }
    ) {
        self.ids = ids
        // A tenth is left for partitions that the hash makes larger than others.
        let rowsAtOnce = max(1, memoryBudget / MemoryLayout<Entry>.size / 10 * 9)
        partitions = (ids.count + rowsAtOnce - 1) / rowsAtOnce
        self.hash = hash
    }

    /// The rows to leave out so that ids are unique, ascending.
    ///
    /// - Complexity: O(rows x passes + rows x log rows); 8 bytes of memory a dropped row.
    /// - Throws: `invalidArgument` under `.refuse`, naming the duplicate that is noticed first when
    ///   rows are read in order.
    package func rowsToDrop(_ policy: DuplicatePolicy) throws(TesseraError) -> [Int] {
        switch policy {
        case .refuse:
            guard let pair = try firstDuplicate() else { return [] }
            throw TesseraError(
                .invalidArgument,
                "\(ids.name): id \"\(try ids.id(pair.first))\" appears in rows \(pair.first) and "
                    + "\(pair.second); ids must be unique (or use --on-duplicate last)")
        case .last:
            var dropped: [Int] = []
            for partition in 0..<partitions {
                try forEachDuplicate(of: partition, below: ids.count) { earlier, _ in
                    dropped.append(earlier)
                }
            }
            return dropped.sorted()
        }
    }

    /// The pair with the lowest second row.
    private func firstDuplicate() throws(TesseraError) -> (first: Int, second: Int)? {
        var best: (first: Int, second: Int)?
        for partition in 0..<partitions {
            // Only rows before the best pair's second can make a better one.
            try forEachDuplicate(of: partition, below: best?.second ?? ids.count) { first, second in
                if second < best?.second ?? .max { best = (first, second) }
            }
        }
        return best
    }

    /// Calls `body` with each row and the next row of the same id.
    private func forEachDuplicate(
        of partition: Int, below limit: Int, _ body: (Int, Int) -> Void
    ) throws(TesseraError) {
        let entries = try sortedEntries(of: partition, below: limit)
        var start = 0
        while start < entries.count {
            var end = start + 1
            while end < entries.count && entries[end].hash == entries[start].hash { end += 1 }
            if end - start > 1 {
                // Rows ascend within a hash. Bytes are compared: Swift strings that differ only in
                // normalisation would be equal, but they are two ids.
                var latest: [[UInt8]: Int] = [:]
                for entry in entries[start..<end] {
                    if let earlier = latest.updateValue(entry.row, forKey: try ids.bytes(entry.row))
                    {
                        body(earlier, entry.row)
                    }
                }
            }
            start = end
        }
    }

    private func sortedEntries(
        of partition: Int, below limit: Int
    ) throws(TesseraError) -> [Entry] {
        var entries: [Entry] = []
        entries.reserveCapacity(limit / partitions + limit / partitions / 10 + 16)
        try ids.forEach(in: 0..<limit) { (row, id) throws(TesseraError) in
            let hash = hash(id)
            // The hash's high bits, scaled: partitions of equal size for any number of them.
            guard hash.multipliedFullWidth(by: UInt64(partitions)).high == UInt64(partition) else {
                return
            }
            entries.append(Entry(hash: hash, row: row))
        }
        entries.sort()
        return entries
    }
}

private struct Entry: Comparable {
    let hash: UInt64
    let row: Int

    static func < (left: Entry, right: Entry) -> Bool {
        left.hash != right.hash ? left.hash < right.hash : left.row < right.row
    }
}
