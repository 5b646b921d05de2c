// Answers what-if questions from a calibration: shards and lists by rule, recall and counts by the
// growth laws, times by the measured speed of this machine, costs by the price table.
import Catalog
package import Foundation
import ObjectStore
package import Reporting
import Search
import SearchTypes
import ShardFile
package import TesseraBase
import VectorCore

/// Plans indexes that are not built yet.
package struct Planner: Sendable {
    /// Random draws that measure how unevenly touched shards fall on workers.
    private static let draws = 1000
    private static let storeQueries = 24

    private let calibrator: Calibrator
    private let prices: CostTable
    private let seed: UInt64
    private let pool: WorkPool

    package init(
        _ plan: CalibrationPlan, published: PublishedScale?, prices: CostTable, pool: WorkPool,
        stop: StopSign, progress: @escaping ProgressHandler
    ) {
        calibrator = Calibrator(
            plan, published: published, pool: pool, stop: stop, progress: progress)
        self.prices = prices
        self.pool = pool
        seed = plan.seed
    }

    /// Calibrates once and answers all questions.
    ///
    /// - Throws: `invalidArgument` for questions that this sample cannot answer, `notFound` for a
    ///   recall that is out of reach.
    package func run(_ questions: [WhatIf], at now: Date) async throws(TesseraError) -> PlanReport {
        let watch = Stopwatch()
        let most = questions.map(\.vectors).max() ?? 0
        return try await calibrator.run(upTo: most) { calibration async throws(TesseraError) in
            try await answer(questions, calibration, at: now, since: watch)
        }
    }

    private func answer(
        _ questions: [WhatIf], _ calibration: Calibration, at now: Date,
        since watch: Stopwatch
    ) async throws(TesseraError) -> PlanReport {
        for question in questions { try check(question, calibration) }
        let needsStore = questions.contains {
            $0.cachedShare < 1 && ($0.storeMilliseconds == nil || $0.storeMegabytesPerSecond == nil)
        }
        var probe = calibration.probe
        if needsStore { probe.store = try await calibration.storeSpeed() }
        var plans: [Plan] = []
        for question in questions {
            plans.append(try await answer(question, calibration, probe))
        }
        return PlanReport(
            createdAt: now, machine: MachineDescription.current, calibration: calibration,
            probe: probe,
            plans: plans, seed: seed, seconds: watch.elapsed.seconds)
    }

    private func check(
        _ question: WhatIf, _ calibration: Calibration
    ) throws(TesseraError) {
        if let dimension = question.dimension, dimension != calibration.dimension {
            throw TesseraError(
                .invalidArgument,
                "--what-if dim=\(dimension) is not the dimension of \(calibration.sampleName), \(calibration.dimension), which says "
                    + "nothing about recall at another one; give vectors of \(dimension) dimensions"
            )
        }
        let largest = calibration.scales[calibration.scales.count - 1].vectors
        guard question.vectors >= largest else {
            throw TesseraError(
                .invalidArgument,
                "--what-if vectors=\(question.vectors) is less than the \(largest) vectors calibrated with, so it can be "
                    + "measured: build it, or give a smaller --sample")
        }
        let probes = calibration.growth.probeRange
        if let nprobe = question.nprobe, !probes.contains(nprobe) {
            throw TesseraError(
                .invalidArgument,
                "--what-if nprobe=\(nprobe) was not calibrated; give \(probes.lowerBound) to \(probes.upperBound)"
            )
        }
    }

    private func way(
        _ question: WhatIf, _ growth: GrowthModel, _ cut: IndexCut
    ) throws(TesseraError) -> SearchWay {
        guard let recall = question.recall else {
            let probes = growth.probeRange
            return SearchWay(
                nprobe: question.nprobe ?? min(cut.nprobe, probes.upperBound),
                refineDepth: question.refineDepth ?? cut.refineDepth)
        }
        if let way = growth.cheapest(recall: recall, cut) { return way }
        let best = growth.best(cut)
        throw TesseraError(
            .notFound,
            "recall \(recall) is out of reach for \(question.vectors) vectors with this sample; the best predicted is "
                + "\(Wording.fixed(best.recall, 4)) with \(best.way.words); a larger --code-size finds more"
        )
    }

    private func answer(
        _ question: WhatIf, _ calibration: Calibration, _ probe: MachineProbe
    ) async throws(TesseraError) -> Plan {
        let growth = calibration.growth
        let cut = growth.cut(question.vectors)
        let way = try way(question, growth, cut)
        let work = growth.work(way, cut)
        let footprint = growth.footprint(cut)
        let workers = Double(question.workers)
        let cached = footprint.codes + footprint.rowsAndIDs
        let memory = (cached * question.cachedShare + footprint.models) / workers
        let routing = try await calibration.routing.growth(
            from: calibration.scales[calibration.scales.count - 1].shards, to: cut.shards,
            lists: way.nprobe, offered: Int(work.offered))
        let median =
            calibration.times.median(share(work, of: question.workers), workingSet: memory)
            + routing
        let tail = median * calibration.times.tail(workingSet: memory)
        let missing = 1 - pow(question.cachedShare, work.touched)
        let store = try await storeReads(question, calibration, probe, way, work)
        let waits = store.map { ($0.p50Milliseconds * 1000, $0.p99Milliseconds * 1000) } ?? (0, 0)
        let build = calibration.buildModel.seconds(question.vectors, cells: cut.shards)
        let p50 = median + (missing >= 0.5 ? waits.0 : 0)
        let costs = Costs(
            prices, storedBytes: UInt64(footprint.stored),
            queriesPerSecond: 1e6 / p50 * Double(probe.threads), cold: nil, warm: store)
        return Plan(
            question: question, cut: cut, way: way,
            recall: growth.recall(way, cut),
            work: work, footprint: footprint,
            shardsPerWorker: Int((Double(cut.shards) / workers).rounded(.up)),
            memoryPerWorker: memory,
            scratchBytes: calibration.rowBytes * Double(question.vectors),
            p50Microseconds: p50, p99Microseconds: tail + (missing >= 0.01 ? waits.1 : 0),
            storeShare: missing, store: store, trainSeconds: build.train,
            publishSeconds: build.publish, costs: costs,
            monthInMemory: costs.storedMonth + costs.machineMonth * workers,
            buildDollars: (build.train + build.publish) / 3600 * prices.machineHour,
            remarks: remarks(question, calibration, memory))
    }

    /// The share of the busiest worker: it holds the most of the shards a query touches, and
    /// refines for itself.
    private func share(_ work: QueryWork, of workers: Int) -> QueryWork {
        let touched = max(1, Int(work.touched.rounded()))
        guard workers > 1 else { return work }
        var random = SeededRandom(seed: seed, stream: 0x776f_726b)
        var sum = 0
        for _ in 0..<Self.draws {
            var counts: [Int: Int] = [:]
            for _ in 0..<touched {
                counts[Int.random(in: 0..<workers, using: &random), default: 0] += 1
            }
            sum += counts.values.max() ?? 0
        }
        let part = Double(sum) / Double(Self.draws * touched)
        var busiest = work
        busiest.touched *= part
        busiest.codes *= part
        busiest.rows = min(work.rows, busiest.codes)
        return busiest
    }

    /// Reads of the mean query if not all shards are in memory: counted on the largest index there
    /// is, then scaled up.
    private func storeReads(
        _ question: WhatIf, _ calibration: Calibration, _ probe: MachineProbe, _ way: SearchWay,
        _ work: QueryWork
    ) async throws(TesseraError) -> StoreReads? {
        guard question.cachedShare < 1 else { return nil }
        let seen = try await calibration.coldReads(way, queries: Self.storeQueries, pool: pool)
        let missed = 1 - question.cachedShare
        let bytes = seen.reads.bytes * work.codes / max(1, seen.codes) * missed
        let trip = question.storeMilliseconds ?? probe.store?.milliseconds ?? 0
        let slowTrip = question.storeMilliseconds ?? probe.store?.tailMilliseconds ?? trip
        let rate = question.storeMegabytesPerSecond ?? probe.store?.megabytesPerSecond ?? 1
        let transfer = bytes / 1e6 / rate * 1000
        return StoreReads(
            queries: seen.reads.queries, roundTrips: seen.reads.roundTrips,
            requests: seen.reads.requests * missed, bytes: bytes,
            p50Milliseconds: seen.reads.roundTrips * trip + transfer,
            p99Milliseconds: seen.reads.roundTrips * slowTrip + transfer)
    }

    private func remarks(
        _ question: WhatIf, _ calibration: Calibration, _ memory: Double
    ) -> [String] {
        var remarks: [String] = []
        let largest = calibration.scales[calibration.scales.count - 1].vectors
        let factor = Double(question.vectors) / Double(largest)
        if factor > 30 {
            remarks.append(
                "\(Wording.grouped(factor)) times the largest measured index: a far extrapolation"
            )
        }
        if let last = calibration.times.laws.last, memory > 1.5 * last.workingSet {
            remarks.append(
                "times were taken with \(Wording.size(last.workingSet)) of index in memory, and extrapolated to "
                    + Wording.size(memory))
        }
        if question.workers > 1 {
            remarks.append("times do not include the network between coordinator and workers")
        }
        return remarks
    }
}

extension Calibration {
    var buildModel: BuildModel {
        let last = builds[builds.count - 1]
        return BuildModel(
            last, probe: probe, dimension: dimension,
            cells: scales.first { $0.vectors == last.vectors }?.shards ?? 1)
    }

    func storeSpeed() async throws(TesseraError) -> MachineProbe.StoreSpeed {
        try await routing.prober.store(largest.catalog, largest.index)
    }

    /// Reads of queries on the largest index with all shards open and none in memory, and the codes
    /// they scan.
    func coldReads(
        _ way: SearchWay, queries: Int, pool: WorkPool
    ) async throws(TesseraError) -> (reads: StoreReads, codes: Double) {
        let meter = MeteredStore(largest.base)
        let catalog = try Catalog(store: meter, index: largest.catalog.index)
        let searcher = try await ColdSearcher(largest.manifest, from: catalog, pool: pool)
        let options = largest.options(nprobe: way.nprobe, refineDepth: way.refineDepth)
        let count = min(queries, largest.truth.queries.rows)
        for query in 0..<count {
            _ = try await searcher.search(
                Array(largest.truth.queries.row(query)), options: options)
        }
        let before = meter.usage
        var sum = ReceiptSum()
        for query in 0..<count {
            sum.add(
                try await searcher.search(
                    Array(largest.truth.queries.row(query)), options: options
                ).receipt)
        }
        let used = meter.usage - before
        let mean = MeanReceipt(sums: [sum])
        return (
            StoreReads(
                queries: count, roundTrips: mean.roundTrips,
                requests: Double(used.requests) / Double(count),
                bytes: Double(used.bytesRead) / Double(count), p50Milliseconds: 0,
                p99Milliseconds: 0), mean.codesScanned
        )
    }
}
