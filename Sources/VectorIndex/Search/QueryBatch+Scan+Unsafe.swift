// The second half of a batch: codes are scanned in the order they lie in memory, and candidates of some queries are
// compared while the rows of others are on their way.
import VectorCore

/// A list that a query wants scanned.
struct ScanJob: BitwiseCopyable {
    let query: Int32
    let probe: Int32
    let codes: UnsafePointer<UInt8>
}

extension QueryBatch {
    /// Scans the chosen lists of the first `count` queries; codes must be in memory.
    ///
    /// Each query scans its nearest lists alone, until its threshold stays. The others are scanned list by list, each for all
    /// queries that want it.
    package mutating func scan(_ count: Int, depth: Int, refines: Bool) {
        jobs.removeAll(keepingCapacity: true)
        if count > 0 { runs[0].askForFirstList() }
        for index in 0..<count {
            if index + 1 < count { runs[index + 1].askForFirstList() }
            let packs = runs[index].packsTables
            runs[index].exchangeScratch(with: &lenders[0])
            if packs { swap(&runs[index].floatTables, &lenders[0].floatTables) }
            scanNearest(index, depth: depth, refines: refines)
            if packs { swap(&runs[index].floatTables, &lenders[0].floatTables) }
            runs[index].exchangeScratch(with: &lenders[0])
        }
        scanJobs()
    }

    /// Scans a query's nearest lists, and notes the others down with their tables made.
    private mutating func scanNearest(_ index: Int, depth: Int, refines: Bool) {
        runs[index].beginScan(depth: depth, refines: refines)
        let first = runs[index].scanNearest()
        for probe in first..<runs[index].probeCount where runs[index].holdsAny(probe: probe) {
            runs[index].makeTables(probe: probe)
            jobs.append(
                ScanJob(
                    query: Int32(truncatingIfNeeded: index),
                    probe: Int32(truncatingIfNeeded: probe),
                    codes: runs[index].codes(probe: probe)))
        }
    }

    private mutating func scanJobs() {
        sortJobs()
        for place in 0..<jobs.count {
            let job = jobs[Int(order.base[place] & Self.jobMask)]
            var next: UnsafePointer<UInt8>?
            if place + 1 < jobs.count {
                let following = jobs[Int(order.base[place + 1] & Self.jobMask)].codes
                next = following == job.codes ? nil : following
            }
            let query = Int(job.query)
            swap(&runs[query].tableScratch, &lenders[0].tableScratch)
            runs[query].scan(Int(job.probe), job.codes, next: next)
            swap(&runs[query].tableScratch, &lenders[0].tableScratch)
        }
    }

    /// Jobs there may be in a batch, less one.
    private static var jobMask: UInt64 { 0xFF_FFFF }

    /// Brings the jobs' numbers into ``order``, by the address of their codes.
    private mutating func sortJobs() {
        precondition(jobs.count <= Self.jobMask, "a batch has fewer lists than that")
        order.reserve(jobs.count)
        for (number, job) in jobs.enumerated() {
            // A list takes more than the 64 bytes that are not told apart; the upper bits of an address are all the same.
            let line = UInt64(UInt(bitPattern: job.codes)) >> 6
            order.base[number] = line << 24 | UInt64(number)
        }
        KeySelection.sort(order.base, jobs.count)
    }

    /// Picks a query's candidates and asks for their rows, which must be in memory.
    ///
    /// From here to ``compareWhole(_:k:)`` no more than ``refining`` queries that follow one another may be on their way.
    package mutating func chooseCandidates(_ index: Int) {
        runs[index].exchangeScratch(with: &lenders[index % Self.refining])
        runs[index].chooseCandidates()
        let found = runs[index].findResidentRows()
        precondition(found, "rows must be in memory")
    }

    /// See ``QueryRun/compareCoarsely(k:)``.
    package mutating func compareCoarsely(_ index: Int, k: Int) {
        runs[index].compareCoarsely(k: k)
    }

    /// See ``QueryRun/compareWhole(k:)``.
    package mutating func compareWhole(_ index: Int, k: Int) {
        runs[index].compareWhole(k: k)
        runs[index].exchangeScratch(with: &lenders[index % Self.refining])
    }
}
