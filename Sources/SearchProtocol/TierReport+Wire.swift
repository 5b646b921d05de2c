// Tier reports as protobuf messages.
package import SearchTypes

extension Tessera_Worker_V1_StatisticsResponse {
    /// Writes a report.
    package init(_ report: TierReport) {
        self.init()
        memory.hits = UInt64(clamping: report.memory.hits)
        memory.misses = UInt64(clamping: report.memory.misses)
        memory.loads = UInt64(clamping: report.memory.loads)
        memory.failures = UInt64(clamping: report.memory.failures)
        memory.evictions = UInt64(clamping: report.memory.evictions)
        memory.refusals = UInt64(clamping: report.memory.refusals)
        memory.shards = UInt64(clamping: report.memory.shards)
        memory.bytes = UInt64(clamping: report.memory.bytes)
        memory.budget = UInt64(clamping: report.memory.budget)
        if let disk = report.disk {
            self.disk.hits = UInt64(clamping: disk.hits)
            self.disk.misses = UInt64(clamping: disk.misses)
            self.disk.entries = UInt64(clamping: disk.entries)
            self.disk.bytes = UInt64(clamping: disk.bytes)
        }
        if let store = report.store {
            self.store.requests = UInt64(clamping: store.requests)
            self.store.bytesRead = UInt64(clamping: store.bytesRead)
        }
    }

    /// Reads the report of the worker at `place`. Numbers beyond the range of `Int` are clamped.
    package func report(of place: String) -> TierReport {
        func number(_ value: UInt64) -> Int { Int(clamping: value) }
        var ram = TierReport.Memory()
        ram.hits = number(memory.hits)
        ram.misses = number(memory.misses)
        ram.loads = number(memory.loads)
        ram.failures = number(memory.failures)
        ram.evictions = number(memory.evictions)
        ram.refusals = number(memory.refusals)
        ram.shards = number(memory.shards)
        ram.bytes = number(memory.bytes)
        ram.budget = number(memory.budget)
        var report = TierReport(place: place, memory: ram, disk: nil, store: nil)
        if hasDisk {
            var disk = TierReport.Disk()
            disk.hits = number(self.disk.hits)
            disk.misses = number(self.disk.misses)
            disk.entries = number(self.disk.entries)
            disk.bytes = number(self.disk.bytes)
            report.disk = disk
        }
        if hasStore {
            var store = TierReport.Store()
            store.requests = number(self.store.requests)
            store.bytesRead = number(self.store.bytesRead)
            report.store = store
        }
        return report
    }
}
