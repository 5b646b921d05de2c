// The cost of running an index: a table of prices that can be edited, times what was measured.
import Foundation
package import ObjectStore
package import TesseraBase

/// Prices in US dollars. `analyze-performance prices` prints the built-in table; `--prices FILE`
/// reads another.
package struct CostTable: Sendable, Equatable, Codable {
    package var requests: PriceTable
    /// Price of keeping 2^30 bytes for a month.
    package var storedGigabyteMonth: Double
    /// Price of the machine that holds the index in memory, per hour.
    package var machineHour: Double
    /// Name of that machine, for the report.
    package var machine: String
    /// Queries per month that the monthly sum assumes.
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

    /// Amazon's list prices of 2025 for us-east-1, with readers in the region of the bucket.
    ///
    /// Prices change: check them before relying on a sum, and set the price of the machine that was
    /// measured.
    package static let usual = CostTable(
        requests: PriceTable(
            per1000Writes: 0.005, per1000Reads: 0.0004, per1000Deletes: 0, perGigabyteOut: 0),
        storedGigabyteMonth: 0.023, machineHour: 0.085, machine: "c6i.large, 2 vCPU, on demand",
        queriesPerMonth: 10_000_000)

    /// Reads a table from a file.
    ///
    /// - Throws: `notFound` if there is no such file, `invalidArgument` if it holds no price table.
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
                "\(path) is not a price table; analyze-performance prices prints one to edit",
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
    /// Storage of the version's objects for a month.
    package let storedMonth: Double
    /// One machine that holds the index in memory, for a month.
    package let machineMonth: Double
    /// 1,000 queries at the measured throughput, with the machine kept busy.
    package let per1000InMemory: Double?
    /// 1,000 queries straight from the store, by a process that has nothing open.
    package let per1000Cold: Double?
    /// 1,000 queries straight from the store, with all shards they need open.
    package let per1000Warm: Double?
    /// A month of storage plus `queriesPerMonth` queries straight from the store, shards open.
    package let monthFromStore: Double?
    /// A month of storage plus one machine.
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
