// Counted requests to a store, and their estimated cost.

/// The kinds of requests that are counted, as stores bill them. Put-if-absent is a put.
package enum StoreOperation: String, Sendable, CaseIterable {
    case get, head, list, put, delete
}

/// Counters of one kind of request.
package struct OperationUsage: Sendable, Equatable {
    /// Requests, including failed ones.
    package var requests = 0
    package var failures = 0
    package var bytesRead: UInt64 = 0
    package var bytesWritten: UInt64 = 0
    /// One duration a call; a call may be several requests.
    package var latency = LatencyHistogram()

    package init() {}
}

/// Counters of all kinds of requests up to a moment, or between two.
package struct StoreUsage: Sendable, Equatable {
    private var operations = [OperationUsage](
        repeating: OperationUsage(), count: StoreOperation.allCases.count)

    package init() {}

    /// Counters of one kind of request.
    package subscript(operation: StoreOperation) -> OperationUsage {
        get { operations[operation.place] }
        set { operations[operation.place] = newValue }
    }

    /// Changes one kind in place.
    mutating func update(_ operation: StoreOperation, _ change: (inout OperationUsage) -> Void) {
        change(&operations[operation.place])
    }

    package var requests: Int { operations.reduce(0) { $0 + $1.requests } }
    package var bytesRead: UInt64 { operations.reduce(0) { $0 + $1.bytesRead } }
    package var bytesWritten: UInt64 { operations.reduce(0) { $0 + $1.bytesWritten } }

    /// Usage since `earlier`, a state of the same meter.
    package static func - (later: StoreUsage, earlier: StoreUsage) -> StoreUsage {
        var difference = later
        for place in difference.operations.indices {
            let before = earlier.operations[place]
            difference.operations[place].requests -= before.requests
            difference.operations[place].failures -= before.failures
            difference.operations[place].bytesRead -= before.bytesRead
            difference.operations[place].bytesWritten -= before.bytesWritten
            difference.operations[place].latency =
                difference.operations[place].latency - before.latency
        }
        return difference
    }

    /// An estimate: requests at their price, and bytes read as if they left the store's region.
    package func dollars(_ prices: PriceTable) -> Double {
        let writes = Double(self[.put].requests + self[.list].requests)
        let reads = Double(self[.get].requests + self[.head].requests)
        return writes / 1000 * prices.per1000Writes + reads / 1000 * prices.per1000Reads
            + Double(self[.delete].requests) / 1000 * prices.per1000Deletes
            + Double(bytesRead) / 0x1p30 * prices.perGigabyteOut
    }
}

extension StoreOperation {
    fileprivate var place: Int {
        switch self {
        case .get: 0
        case .head: 1
        case .list: 2
        case .put: 3
        case .delete: 4
        }
    }
}

/// Prices of a store, in US dollars.
package struct PriceTable: Sendable, Equatable, Codable {
    /// Price of 1,000 PUT, POST or LIST requests.
    package var per1000Writes: Double
    /// Price of 1,000 GET or HEAD requests.
    package var per1000Reads: Double
    package var per1000Deletes: Double
    /// Price of 2^30 bytes that leave the store's region. Readers in the same region pay nothing:
    /// set it to 0 for them.
    package var perGigabyteOut: Double

    package init(
        per1000Writes: Double, per1000Reads: Double, per1000Deletes: Double, perGigabyteOut: Double
    ) {
        self.per1000Writes = per1000Writes
        self.per1000Reads = per1000Reads
        self.per1000Deletes = per1000Deletes
        self.perGigabyteOut = perGigabyteOut
    }

    /// S3 Standard in us-east-1 and the first 10 TB a month to the Internet, as in Amazon's list
    /// (aws.amazon.com/s3/pricing) of 2025. Prices change: look there before trusting a sum.
    package static let s3Standard = PriceTable(
        per1000Writes: 0.005, per1000Reads: 0.0004, per1000Deletes: 0, perGigabyteOut: 0.09)
}
