// Counts of the tiers between queries and the store, for /stats and /metrics.
import SearchTypes

/// The tiers of one place where shards are searched: this process, or a worker.
struct TierCounts: Encodable {
    struct Memory: Encodable {
        let hits: Int
        let misses: Int
        let hitRate: Nullable<Double>
        let loads: Int
        let failures: Int
        let evictions: Int
        let refusals: Int
        let shards: Int
        let bytes: Int
        let budget: Int
    }

    struct Disk: Encodable {
        let hits: Int
        let misses: Int
        let hitRate: Nullable<Double>
        let entries: Int
        let bytes: Int
    }

    struct Store: Encodable {
        let requests: Int
        let bytesRead: Int
    }

    let place: String
    let ram: Memory
    let disk: Nullable<Disk>
    let store: Nullable<Store>

    init(_ report: TierReport) {
        let (memory, disk) = (report.memory, report.disk)
        place = report.place
        ram = Memory(
            hits: memory.hits, misses: memory.misses, hitRate: Nullable(memory.hitRate),
            loads: memory.loads, failures: memory.failures, evictions: memory.evictions,
            refusals: memory.refusals, shards: memory.shards, bytes: memory.bytes,
            budget: memory.budget)
        self.disk = Nullable(
            disk.map { disk in
                Disk(
                    hits: disk.hits, misses: disk.misses, hitRate: Nullable(disk.hitRate),
                    entries: disk.entries, bytes: disk.bytes)
            })
        store = Nullable(
            report.store.map { Store(requests: $0.requests, bytesRead: $0.bytesRead) })
    }

    fileprivate typealias Sample = (labels: String, value: Double)

    fileprivate func samples(
        ram: Int, disk: (Disk) -> Int, store: ((Store) -> Int)? = nil
    ) -> [Sample] {
        var samples = [sample("ram", ram)]
        if let counts = self.disk.value { samples.append(sample("disk", disk(counts))) }
        if let counts = self.store.value, let store {
            samples.append(sample("store", store(counts)))
        }
        return samples
    }

    fileprivate func sample(_ tier: String, _ value: Int) -> Sample {
        ("place=\"\(place)\",tier=\"\(tier)\"", Double(value))
    }
}

extension [TierCounts] {
    /// Adds counters. A rate is the reader's to compute, over the time it looks at.
    func add(to text: inout MetricsText) {
        guard !isEmpty else { return }
        text.add(
            "tessera_tier_hits_total", .counter, "Shards scanned in memory, reads from disk.",
            flatMap { $0.samples(ram: $0.ram.hits, disk: \.hits) })
        text.add(
            "tessera_tier_misses_total", .counter,
            "Shards that were not in memory, reads that were not on disk.",
            flatMap { $0.samples(ram: $0.ram.misses, disk: \.misses) })
        text.add(
            "tessera_tier_bytes", .gauge, "Held in memory, held on disk, read from the store.",
            flatMap { $0.samples(ram: $0.ram.bytes, disk: \.bytes, store: \.bytesRead) })
        text.add(
            "tessera_tier_budget_bytes", .gauge, "Bytes that memory may hold.",
            map { $0.sample("ram", $0.ram.budget) })
        text.add(
            "tessera_tier_evictions_total", .counter, "Shards evicted from memory to make room.",
            map { $0.sample("ram", $0.ram.evictions) })
        text.add(
            "tessera_tier_failures_total", .counter, "Shards that could not be read.",
            map { $0.sample("ram", $0.ram.failures) })
        text.add(
            "tessera_store_requests_total", .counter, "Requests to the store.",
            compactMap { counts in
                counts.store.value.map { counts.sample("store", $0.requests) }
            })
    }
}
