// The second half of a batch: codes are scanned in the order they lie in memory, and candidates of
// some queries are compared while the rows of others are fetched.
import VectorCore

/// Queries of a batch and the lists they will scan.
package struct ChosenBatch: ~Copyable {
    var queries: StageRow<ChosenLists>
    let count: Int

    /// Scans the chosen lists, whose codes must be in memory.
    ///
    /// Each query scans its nearest lists alone, until its threshold stays. The others are scanned
    /// list by list, each for all queries that probe it.
    package consuming func scan(
        depth: Int, refines: Bool, filter: RowFilter?, _ arena: inout QueryArena
    ) -> ScannedBatch {
        var scanning = StageRow<Scanning>(capacity: RoutedBatch.width)
        for index in 0..<count {
            scanning.put(
                queries.take(index).beginScan(depth: depth, refines: refines, filter: filter),
                at: index)
        }
        arena.batch.jobs.removeAll(keepingCapacity: true)
        if count > 0 { scanning[0].prefetchFirstList() }
        for index in 0..<count {
            if index + 1 < count { scanning[index + 1].prefetchFirstList() }
            Self.scanNearest(index, &scanning, &arena)
        }
        Self.scanJobs(&scanning, &arena)
        return ScannedBatch(queries: scanning)
    }

    /// Scans a query's nearest lists, and notes the others as jobs, with their tables made.
    private static func scanNearest(
        _ index: Int, _ scanning: inout StageRow<Scanning>, _ arena: inout QueryArena
    ) {
        let first = scanning[index].scanNearest(&arena.step)
        for probe in first..<scanning[index].count where scanning[index].holdsAny(probe) {
            scanning[index].makeTables(probe, &arena.step)
            arena.batch.jobs.append(
                ScanJob(
                    query: Int32(truncatingIfNeeded: index),
                    probe: Int32(truncatingIfNeeded: probe),
                    codes: scanning[index].codes(probe)))
        }
    }

    private static func scanJobs(
        _ scanning: inout StageRow<Scanning>, _ arena: inout QueryArena
    ) {
        sortJobs(&arena.batch)
        let (count, order) = (arena.batch.jobs.count, arena.batch.order.base)
        for place in 0..<count {
            let job = arena.batch.jobs[Int(order[place] & jobMask)]
            var next: UnsafePointer<UInt8>?
            if place + 1 < count {
                let following = arena.batch.jobs[Int(order[place + 1] & jobMask)].codes
                next = following == job.codes ? nil : following
            }
            scanning[Int(job.query)].scan(Int(job.probe), job.codes, next: next, &arena.step)
        }
    }

    /// Jobs there may be in a batch, less one.
    private static var jobMask: UInt64 { 0xFF_FFFF }

    /// Brings the jobs' numbers in the order of the addresses of their codes.
    private static func sortJobs(_ batch: inout BatchMemory) {
        precondition(batch.jobs.count <= jobMask, "a batch has fewer lists than that")
        batch.order.reserve(batch.jobs.count)
        for (number, job) in batch.jobs.enumerated() {
            // A list takes more than the 64 bytes that are not told apart; the upper bits of an
            // address are all the same.
            let line = UInt64(UInt(bitPattern: job.codes)) >> 6
            batch.order.base[number] = line << 24 | UInt64(number)
        }
        DistanceKey.sort(batch.order.base, batch.jobs.count)
    }
}

/// Queries of a batch whose lists are scanned. Each is re-ranked in step with its neighbours, or
/// taken out to go on alone.
package struct ScannedBatch: ~Copyable {
    /// Queries between their candidates and their answers at the same time, at most.
    package static let refining = 4

    private var queries: StageRow<Scanning>
    private var candidates = StageRow<Candidates>(capacity: ScannedBatch.refining)
    private var firstPasses = StageRow<FirstPass>(capacity: ScannedBatch.refining)
    private var answers = StageRow<Nearest>(capacity: ScannedBatch.refining)

    init(queries: consuming StageRow<Scanning>) {
        self.queries = queries
    }

    /// Takes a query out.
    package mutating func take(_ index: Int) -> Scanning { queries.take(index) }

    /// Picks a query's candidates and prefetches their rows, which must be in memory.
    package mutating func chooseCandidates(_ index: Int, _ arena: inout QueryArena) {
        var chosen = queries.take(index).candidates(&arena)
        let found = chosen.findResidentRows()
        precondition(found, "rows must be in memory")
        candidates.put(chosen, at: index % Self.refining)
    }

    /// See ``Candidates/compareCoarsely(k:)``.
    package mutating func compareCoarsely(_ index: Int, k: Int) {
        let place = index % Self.refining
        firstPasses.put(candidates.take(place).compareCoarsely(k: k), at: place)
    }

    /// See ``FirstPass/compareWhole(k:)``.
    package mutating func compareWhole(_ index: Int, k: Int) {
        let place = index % Self.refining
        answers.put(firstPasses.take(place).compareWhole(k: k), at: place)
    }

    /// A query between the two passes.
    package func firstPass(_ index: Int, _ body: (borrowing FirstPass) -> Void) {
        body(firstPasses[index % Self.refining])
    }

    /// A query's answer, until it is taken.
    package func nearest(_ index: Int, _ body: (borrowing Nearest) -> Void) {
        body(answers[index % Self.refining])
    }

    package mutating func takeNearest(_ index: Int) -> Nearest {
        answers.take(index % Self.refining)
    }
}
