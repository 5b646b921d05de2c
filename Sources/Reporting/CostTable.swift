// What running an index costs: a table of prices that a person can edit, times what was measured.
import Foundation
package import ObjectStore
package import TesseraBase

/// Prices in US dollars. `analyze-performance prices` prints the one built in; `--prices FILE` reads another.
package struct CostTable: Sendable, Equatable, Codable {
    package var requests: PriceTable
    /// Of 2^30 bytes kept for a month.
    package var storedGigabyteMonth: Double
    /// Of the machine that keeps the index in memory.
    package var machineHour: Double
    /// For people: which machine that is.
    package var machine: String
    /// For the sum of a month.
    package var queriesPerMonth: Double

    package init(
        requests: PriceTable, storedGigabyteMonth: Double, machineHour: Double, machine: String,
        queriesPerMonth: Double
    ) {
        self.requests = requests
        self.storedGigabyteMonth = storedGigabyteMonth
        self.machineHour = machineHour
        self.machine = machine
        self.queriesPerMonth = queriesPerMonth
    }

    /// Amazon's lists of 2025 for us-east-1, with readers in the region of the bucket. Prices change: look there before
    /// trusting a sum, and give the price of the machine that was measured on.
    package static let usual = CostTable(
        requests: PriceTable(
            per1000Writes: 0.005, per1000Reads: 0.0004, per1000Deletes: 0, perGigabyteOut: 0),
        storedGigabyteMonth: 0.023, machineHour: 0.085, machine: "c6i.large, 2 vCPU, on demand",
        queriesPerMonth: 10_000_000)

    /// Reads a table. Throws `notFound`, or `invalidArgument` for what is none.
    package static func read(path: String) throws(TesseraError) -> CostTable {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TesseraError(
                .notFound,
                "there is no price table \(path); analyze-performance prices prints one to edit")
        }
        let table: CostTable
        do { table = try JSONDecoder().decode(CostTable.self, from: data) } catch {
            throw TesseraError(
                .invalidArgument,
                "\(path) is no price table; analyze-performance prices prints one to edit",
                cause: error)
        }
        let prices = [
            table.requests.per1000Reads, table.requests.per1000Writes,
            table.requests.per1000Deletes, table.requests.perGigabyteOut,
            table.storedGigabyteMonth, table.machineHour, table.queriesPerMonth,
        ]
        guard prices.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw TesseraError(.invalidArgument, "\(path) has a price below 0")
        }
        return table
    }
}

/// What an index costs to run, in US dollars.
package struct Costs: Sendable, Equatable, Codable {
    package static let hoursPerMonth = 730.0

    package let prices: CostTable
    /// The objects of the version for a month.
    package let storedMonth: Double
    /// One machine that keeps it in memory, for a month.
    package let machineMonth: Double
    /// At the throughput measured, with the machine kept busy.
    package let per1000InMemory: Double?
    /// Straight from the store, by a process that has opened nothing.
    package let per1000Cold: Double?
    /// The same once all shards asked for are open.
    package let per1000Warm: Double?
    /// Storage and this many queries straight from the store, shards open.
    package let monthFromStore: Double?
    /// Storage and one machine.
    package let monthInMemory: Double

    package init(
        _ prices: CostTable, storedBytes: UInt64, queriesPerSecond: Double?, cold: StoreReads?,
        warm: StoreReads?
    ) {
        self.prices = prices
        storedMonth = Double(storedBytes) / 0x1p30 * prices.storedGigabyteMonth
        machineMonth = prices.machineHour * Self.hoursPerMonth
        per1000InMemory = queriesPerSecond.map { prices.machineHour / 3600 / $0 * 1000 }
        func per1000(_ reads: StoreReads) -> Double {
            reads.requests * prices.requests.per1000Reads
                + 1000 * reads.bytes / 0x1p30 * prices.requests.perGigabyteOut
        }
        per1000Cold = cold.map(per1000)
        per1000Warm = warm.map(per1000)
        monthFromStore = per1000Warm.map { [storedMonth] in
            storedMonth + $0 * prices.queriesPerMonth / 1000
        }
        monthInMemory = storedMonth + machineMonth
    }
}
