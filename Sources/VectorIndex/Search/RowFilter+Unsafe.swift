// Which rows of each shard count in a search.
package import VectorCore

/// A set of rows for each shard. Immutable, so any number of searches may use it at once.
///
/// A shard without a set counts whole. Excluded rows never become candidates, so they take no
/// candidate's place.
package final class RowFilter: Sendable {
    private let sets: [Int: AlignedArray<UInt64>]

    /// - Parameter rows: for each shard's ordinal, whether each of its rows counts: `[vectors]`.
    package init(rows: [Int: [Bool]]) {
        sets = rows.mapValues { rows in
            let words = AlignedArray<UInt64>(count: (rows.count + 63) / 64, filling: 0)
            for (row, counts) in rows.enumerated() where counts {
                words.base[row / 64] |= 1 << UInt64(row % 64)
            }
            return words
        }
    }

    /// Whether a row counts.
    package func includes(_ place: NumericID) -> Bool {
        guard let set = sets[place.shard] else { return true }
        guard place.row / 64 < set.count else { return false }
        return set.base[place.row / 64] & 1 << UInt64(place.row % 64) != 0
    }

    /// The rows of a shard, one bit each; nil where all count. Valid as long as this lives.
    ///
    /// - Parameter rowCount: rows of the shard, none of which may be missing in the set.
    func words(shard ordinal: Int, rowCount: Int) -> UnsafePointer<UInt64>? {
        guard let set = sets[ordinal] else { return nil }
        precondition(64 * set.count >= rowCount, "a row filter has a bit for each row of a shard")
        return UnsafePointer(set.base)
    }
}

extension ScanOutput {
    /// Drops the rows that do not count of the first `count`; returns how many are left.
    func keep(_ count: Int, of set: UnsafePointer<UInt64>) -> Int {
        var kept = 0
        for index in 0..<count {
            let row = rows[index]
            let counts = set[Int(row / 64)] >> UInt64(row % 64) & 1
            rows[kept] = row
            distances[kept] = distances[index]
            kept &+= Int(counts)
        }
        return kept
    }
}
