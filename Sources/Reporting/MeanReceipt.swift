// Sums and means of the receipts of many queries.
package import SearchTypes
import TesseraBase

/// Adds up receipts.
package struct ReceiptSum: Sendable {
    package private(set) var total = Receipt()
    package private(set) var count = 0

    package init() {}

    /// Adds the receipt of one query.
    package mutating func add(_ receipt: Receipt) {
        count += 1
        accumulate(receipt)
    }

    /// Adds the receipts of another sum.
    package mutating func add(_ other: ReceiptSum) {
        count += other.count
        accumulate(other.total)
    }

    private mutating func accumulate(_ receipt: Receipt) {
        total.shardsOffered += receipt.shardsOffered
        total.shardsTouched += receipt.shardsTouched
        total.listsScanned += receipt.listsScanned
        total.listsSkipped += receipt.listsSkipped
        total.codesScanned += receipt.codesScanned
        total.rowsRefined += receipt.rowsRefined
        total.bytesRead += receipt.bytesRead
        total.reads += receipt.reads
        total.roundTrips += receipt.roundTrips
        total.route += receipt.route
        total.chooseLists += receipt.chooseLists
        total.scan += receipt.scan
        total.refine += receipt.refine
        total.resolve += receipt.resolve
    }
}

/// The cost of the mean query. Times are in microseconds.
package struct MeanReceipt: Sendable, Equatable, Codable {
    package let queries: Int
    package let shardsOffered: Double
    package let shardsTouched: Double
    package let listsScanned: Double
    package let listsSkipped: Double
    package let codesScanned: Double
    package let rowsRefined: Double
    package let bytesRead: Double
    package let reads: Double
    package let roundTrips: Double
    package let routeMicroseconds: Double
    package let chooseListsMicroseconds: Double
    package let scanMicroseconds: Double
    package let refineMicroseconds: Double
    package let resolveMicroseconds: Double

    /// The means over all queries of `sums`.
    package init(sums: [ReceiptSum]) {
        var sum = ReceiptSum()
        for part in sums { sum.add(part) }
        let total = sum.total
        let count = Double(max(1, sum.count))
        func mean(_ value: Int) -> Double { (Double(value) / count).rounded(to: 2) }
        func mean(_ value: Duration) -> Double {
            (value.seconds * 1e6 / count).rounded(to: 2)
        }
        queries = sum.count
        shardsOffered = mean(total.shardsOffered)
        shardsTouched = mean(total.shardsTouched)
        listsScanned = mean(total.listsScanned)
        listsSkipped = mean(total.listsSkipped)
        codesScanned = mean(total.codesScanned)
        rowsRefined = mean(total.rowsRefined)
        bytesRead = mean(total.bytesRead)
        reads = mean(total.reads)
        roundTrips = mean(total.roundTrips)
        routeMicroseconds = mean(total.route)
        chooseListsMicroseconds = mean(total.chooseLists)
        scanMicroseconds = mean(total.scan)
        refineMicroseconds = mean(total.refine)
        resolveMicroseconds = mean(total.resolve)
    }

    /// The stages in order, with their mean times.
    package var stages: [(name: String, microseconds: Double)] {
        [
            ("route", routeMicroseconds), ("choose lists", chooseListsMicroseconds),
            ("scan", scanMicroseconds),
            ("refine", refineMicroseconds), ("resolve", resolveMicroseconds),
        ]
    }
}

extension Double {
    /// The number rounded to this many digits after the point.
    package func rounded(to digits: Int) -> Double {
        let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }
        return (self * scale).rounded() / scale
    }
}
