// Which bytes to read for a list of ranges: pure decisions, shared by all stores.
internal import TesseraBase

/// One read that serves several of the wanted ranges.
package struct CoalescedRead: Equatable {
    /// The bytes to read.
    package var span: Range<UInt64>
    /// Positions in the wanted list that this read serves.
    package var members: [Int]
}

/// Plans the reads for a list of ranges.
package enum RangeReads {
    /// Largest gap between two ranges of one read: reading it in vain is cheaper than another
    /// request.
    package static let gapBytes: UInt64 = 32 << 10
    /// Longest joined read, which bounds its buffer.
    static let maximumBytes: UInt64 = 16 << 20

    /// Joins neighbouring ranges into single reads, ascending by offset.
    ///
    /// A range longer than ``maximumBytes`` is one read of its own. Empty ranges need no read and
    /// are in none.
    ///
    /// - Complexity: O(n log n) of the number of ranges.
    package static func coalesce(_ ranges: [Range<UInt64>]) -> [CoalescedRead] {
        let order = ranges.indices.filter { !ranges[$0].isEmpty }
            .sorted { ranges[$0].lowerBound < ranges[$1].lowerBound }
        var reads: [CoalescedRead] = []
        for index in order {
            let range = ranges[index]
            guard let last = reads.last, joins(range, last.span) else {
                reads.append(CoalescedRead(span: range, members: [index]))
                continue
            }
            let end = max(last.span.upperBound, range.upperBound)
            reads[reads.count - 1].span = last.span.lowerBound..<end
            reads[reads.count - 1].members.append(index)
        }
        return reads
    }

    /// Cuts the wanted ranges out of what the reads brought.
    static func distribute(
        _ buffers: [[UInt8]], of reads: [CoalescedRead], to ranges: [Range<UInt64>]
    ) -> [[UInt8]] {
        var parts = [[UInt8]](repeating: [], count: ranges.count)
        for (read, buffer) in zip(reads, buffers) {
            for index in read.members {
                let start = Int(ranges[index].lowerBound - read.span.lowerBound)
                parts[index] = Array(buffer[start..<start + ranges[index].count])
            }
        }
        return parts
    }

    /// Throws `invalidArgument` for a range that ends past the object.
    static func check(_ range: Range<UInt64>, size: UInt64, of name: String) throws(TesseraError) {
        guard range.upperBound <= size else {
            throw TesseraError(
                .invalidArgument,
                "bytes \(range.lowerBound) to \(range.upperBound) of \(name) were asked for, "
                    + "but it has \(size) bytes")
        }
    }

    private static func joins(_ range: Range<UInt64>, _ span: Range<UInt64>) -> Bool {
        if range.upperBound <= span.upperBound { return true }
        let gap = range.lowerBound > span.upperBound ? range.lowerBound - span.upperBound : 0
        return gap <= gapBytes && range.upperBound - span.lowerBound <= maximumBytes
    }
}
