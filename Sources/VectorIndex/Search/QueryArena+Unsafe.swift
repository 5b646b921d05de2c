// The memory of queries: an arena lends it to the stages of a query and takes it back at the end.
//
// Invariants:
// - A stage owns the memory it holds: a stage that is dropped frees it, one that is finished gives
//   it back, and no pointer into it outlives its stage.
// - An arena is used by one thread at a time.

/// Lends memory to queries, and holds what a step needs only while it runs.
///
/// The stages of a query, each consumed by the next: ``Routed`` → ``ChosenLists`` → ``Scanning`` →
/// ``Candidates`` → ``FirstPass`` → ``Nearest``.
package struct QueryArena: ~Copyable {
    var queries = MemoryPool<QueryMemory>()
    /// Few are lent at a time, so that they stay in the nearest cache.
    var reranks = MemoryPool<RerankMemory>()
    var step = StepMemory()
    var batch = BatchMemory()

    package init() {}
}

/// Memory that a pool lends.
protocol LentMemory: ~Copyable {
    init()
}

/// What one query knows from its route to its answer.
struct QueryMemory: ~Copyable, LentMemory {
    var form = QueryForm()
    var offer = ShardOffer()
    var probes = ScratchBuffer<Probe>()
    var probeCount = 0
    var scan = ScanMemory()
    var counts = ScanCounts()
    var nearest: [Candidate] = []
    var cuts = CutEstimates()
}

/// What a step needs only while it runs: one for all queries of a thread.
struct StepMemory: ~Copyable {
    var selection = Selection()
    var probes = ScratchBuffer<Probe>()
    var tables = ScratchBuffer<UInt8>()
    /// Float tables of 4-bit codes, until they are quantized.
    var floatTables = ScratchBuffer<Float>()
    var prefetched = ScratchBuffer<UnsafePointer<UInt8>>()
}

/// Memory that is lent again and again.
struct MemoryPool<Memory: LentMemory & ~Copyable>: ~Copyable {
    private var free: [UnsafeMutablePointer<Memory>] = []

    deinit {
        for memory in free {
            memory.deinitialize(count: 1)
            memory.deallocate()
        }
    }

    mutating func lend() -> Lease<Memory> {
        if let memory = free.popLast() { return Lease(memory) }
        let memory = UnsafeMutablePointer<Memory>.allocate(capacity: 1)
        memory.initialize(to: Memory())
        return Lease(memory)
    }

    mutating func takeBack(_ lease: consuming Lease<Memory>) {
        free.append(lease.surrender())
    }
}

/// The one handle of lent memory: freed with its owner unless it is given back.
struct Lease<Memory: ~Copyable>: ~Copyable {
    let memory: UnsafeMutablePointer<Memory>

    init(_ memory: UnsafeMutablePointer<Memory>) { self.memory = memory }

    deinit {
        memory.deinitialize(count: 1)
        memory.deallocate()
    }

    consuming func surrender() -> UnsafeMutablePointer<Memory> {
        let memory = memory
        discard self
        return memory
    }
}
