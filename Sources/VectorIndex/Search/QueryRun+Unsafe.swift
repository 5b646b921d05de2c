// One query on its way through an index: lists are ranked, chosen and scanned, candidates refined. Resident and cold
// searches take the same steps; they differ in where bytes come from.
package import VectorCore

/// The memory and state of one query at a time; used again for the next one. A value with one owner, so that neither
/// reference counts nor exclusivity checks are paid for on the hot path.
///
/// The steps, in order: ``begin(_:transformed:metric:)``, ``rank(_:)`` for each shard, ``chooseLists(_:margin:)``,
/// ``beginScan(depth:refines:)``, ``scan(_:codes:next:)`` for each chosen list in order, ``chooseCandidates()``, then either
/// ``refine(k:)`` or ``refineForCuts(k:)`` with all rows known, or ``unrefined(k:)``.
package struct QueryRun: ~Copyable, @unchecked Sendable {
    var metric = Metric.l2
    /// As the user gave it: `[dimension]`.
    var query = ScratchBuffer<Float>()
    var dimension = 0
    /// As the quantizer wants it: `[paddedDimension]`.
    var transformed = ScratchBuffer<Float>()
    var paddedDimension = 0

    // Shards on offer, in slots.
    var slots = ScratchBuffer<Slot>()
    package internal(set) var slotCount = 0
    var shiftedQueries = ScratchBuffer<Float>()
    var byteQueries = ScratchBuffer<UInt8>()
    var listDistances = ScratchBuffer<Float>()
    var listEnd = 0
    var minima = ScratchBuffer<Float>()
    var keys = ScratchBuffer<UInt64>()
    var selectedIndices = ScratchBuffer<UInt32>()
    var selectedValues = ScratchBuffer<Float>()
    var sortedKeys = ScratchBuffer<UInt64>()

    // Shards the router offers.
    var offered = ScratchBuffer<UInt32>()
    package internal(set) var offeredCount = 0

    // Chosen lists, nearest first.
    var probes = ScratchBuffer<Probe>()
    var unsortedProbes = ScratchBuffer<Probe>()
    package internal(set) var probeCount = 0

    // Scanning.
    var floatTables = ScratchBuffer<Float>()
    var tables = ScratchBuffer<Int16>()
    var tableScratch = ScratchBuffer<UInt8>()
    var tableCount = 0
    var threshold = ScanThreshold()
    var rows = ScratchBuffer<UInt32>()
    var distances = ScratchBuffer<Float>()
    var rowSlots = ScratchBuffer<UInt32>()
    var found = 0
    var refines = false
    var wantedCandidates = 0
    package internal(set) var listsScanned = 0
    package internal(set) var codesScanned = 0
    package internal(set) var listsSkipped = 0

    // Refining.
    var candidates = ScratchBuffer<RefineCandidate>()
    package internal(set) var candidateCount = 0
    var askedRows = ScratchBuffer<UnsafePointer<UInt8>>()
    var refineQueryCount = 0
    /// Candidates that are left to compare by their whole rows.
    package internal(set) var fineCount = 0
    var refinesFinely = false
    var storedRowSize = 0
    var refineQueries = ScratchBuffer<Float>()
    var rowStore = ScratchBuffer<UInt8>()
    var storedRows = ScratchBuffer<StoredRow>()
    var refineDistances = ScratchBuffer<Float>()
    /// The answer, nearest first.
    package internal(set) var nearest: [Candidate] = []
    /// After ``refineForCuts(k:)``: of each of the nearest its distance by its code.
    package internal(set) var nearestEstimates: [Float] = []
    /// And of all candidates, ascending.
    package internal(set) var estimates: [Float] = []

    package init() {}

    deinit {
        query.free()
        transformed.free()
        slots.free()
        offered.free()
        shiftedQueries.free()
        byteQueries.free()
        listDistances.free()
        minima.free()
        keys.free()
        selectedIndices.free()
        selectedValues.free()
        sortedKeys.free()
        unsortedProbes.free()
        threshold.free()
        storedRows.free()
        askedRows.free()
        refineDistances.free()
        probes.free()
        floatTables.free()
        tables.free()
        tableScratch.free()
        rows.free()
        distances.free()
        rowSlots.free()
        candidates.free()
        refineQueries.free()
        rowStore.free()
    }

    /// Starts a query: `query` as the user gave it, `transform` to the quantizer's dimension.
    package mutating func begin(
        _ query: ArraySlice<Float>, _ transform: InputTransform, metric: Metric
    ) {
        self.metric = metric
        dimension = query.count
        paddedDimension = transform.outputDimension
        self.query.reserve(dimension)
        transformed.reserve(paddedDimension)
        query.withUnsafeBufferPointer { source in
            self.query.base.update(from: source.baseAddress!, count: dimension)
        }
        if case .rotation = transform {
            let rotated = transform.apply(
                Matrix(rows: 1, columns: dimension, elements: Array(query)))
            for index in 0..<paddedDimension { transformed.base[index] = rotated.elements[index] }
        } else {
            transformed.base.update(from: self.query.base, count: dimension)
            for index in dimension..<paddedDimension { transformed.base[index] = 0 }
        }
        slotCount = 0
        listEnd = 0
        probeCount = 0
    }
}

/// A shard on offer and what the query knows about it.
struct Slot: BitwiseCopyable {
    let view: ShardView
    var local: LocalQuery
    /// Of its lists in the distances of all.
    let start: Int
    /// Of its look-up tables, once a list of it is scanned.
    var tables = -1
    var isTouched: Bool { tables >= 0 }
    var scan: ListScan?
    var tableOffset: Float = 0
    var tableStep: Float = 0
    /// Of the query as its refine rows want it, once one is compared.
    var refineQuery = -1
    var refineConstant: Float = 0
    var coarseConstant: Float = 0
}

/// A list to scan.
struct Probe: BitwiseCopyable {
    let slot: Int
    let list: Int
    /// The part of the distance that is the same for all its vectors, but for tables and bias.
    let distance: Float
}

/// A vector worth comparing.
struct RefineCandidate: BitwiseCopyable {
    let slot: Int
    let row: Int
    /// By its code.
    let distance: Float
    /// Its refine row: the coarse part, and behind it, a byte a dimension on, the rest where there is one.
    var bytes: UnsafePointer<UInt8>?
}
