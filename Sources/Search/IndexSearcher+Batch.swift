// Many queries on one thread: those whose nearest shard is the same go together, step by step, and share what they read.
package import SearchTypes
package import TesseraBase
package import VectorCore
import VectorIndex

extension IndexSearcher {
    package func search(
        _ batch: Range<Int>, of queries: Matrix, options: SearchOptions,
        scratch: inout SearchScratch, answered: (Int, SearchAnswer) -> Void
    ) throws(TesseraError) {
        var places: [NumericID] = []
        places.reserveCapacity(batch.count)
        for query in batch {
            SearchKernels.prefetch(queries, row: query + 2)
            let shard = nearestShard(queries.row(query), &scratch.run)
            places.append(NumericID(shard: shard, row: query - batch.lowerBound))
        }
        places.sort()
        var first = 0
        while first < places.count {
            let last = min(first + QueryBatch.width, places.count)
            let together = places[first..<last].map { batch.lowerBound + $0.row }
            let receipt = scan(together, of: queries, options, &scratch)
            try refine(together, receipt, options, &scratch, answered: answered)
            first = last
        }
    }

    /// The nearest shard.
    private func nearestShard(_ query: ArraySlice<Float>, _ run: inout QueryRun) -> Int {
        run.begin(query, router.router.transform, metric: metric)
        run.route(router, wanted: 1, lists: 1)
        return run.offeredShard(0)
    }

    /// Everything up to the scans of lists; returns a query's share of the time.
    private func scan(
        _ together: [Int], of queries: Matrix, _ options: SearchOptions,
        _ scratch: inout SearchScratch
    ) -> Receipt {
        let clock = ContinuousClock()
        let start = clock.now
        for (index, query) in together.enumerated() {
            if index + 1 < together.count {
                SearchKernels.prefetch(queries, row: together[index + 1])
            }
            scratch.batch.begin(
                index, queries.row(query), router, views: views, shards: options.probeShards,
                lists: options.likelyLists)
        }
        scratch.batch.rank(together.count, views: views)
        scratch.batch.chooseLists(
            together.count, wanted: options.probeCount, margin: options.listMargin)
        let chosen = clock.now
        scratch.batch.scan(
            together.count, depth: options.candidateDepth(refines: hasRefineTier),
            refines: hasRefineTier)
        var receipt = Receipt()
        receipt.route = (chosen - start) / together.count
        receipt.scan = (clock.now - chosen) / together.count
        return receipt
    }

    /// Compares the candidates of all, and names the winners.
    private func refine(
        _ together: [Int], _ receipt: Receipt, _ options: SearchOptions,
        _ scratch: inout SearchScratch, answered: (Int, SearchAnswer) -> Void
    ) throws(TesseraError) {
        guard hasRefineTier, isWhole else {
            for (index, query) in together.enumerated() {
                scratch.batch.exchange(index, &scratch.run)
                answered(query, try answer(options, &scratch, receipt, since: .now))
                scratch.batch.exchange(index, &scratch.run)
            }
            return
        }
        let start = ContinuousClock.now
        let hits = try refineInStep(together.count, k: options.k, &scratch.batch)
        let share = (ContinuousClock.now - start) / together.count
        for (index, query) in together.enumerated() {
            var own = receipt
            own.count(scratch.batch[index], refines: true)
            own.refine = share
            answered(query, SearchAnswer(hits: hits[index], receipt: own))
        }
    }

    /// Each query is a step behind the one before it: what a step asks memory for comes while others take theirs.
    private func refineInStep(_ count: Int, k: Int, _ batch: inout QueryBatch)
        throws(TesseraError) -> [[Hit]]
    {
        var hits: [[Hit]] = []
        hits.reserveCapacity(count)
        // None is read: all is in memory.
        var nothing = Receipt()
        func isThere(_ index: Int) -> Bool { index >= 0 && index < count }
        for step in 0..<count + 3 {
            if isThere(step) { batch.chooseCandidates(step) }
            if isThere(step - 1) {
                batch.compareCoarsely(step - 1, k: k)
                askForPlaces(batch[step - 1])
            }
            if isThere(step - 2) {
                batch.compareWhole(step - 2, k: k)
                askForIds(batch[step - 2])
            }
            if isThere(step - 3) { hits.append(try resolve(batch[step - 3].nearest, &nothing)) }
        }
        return hits
    }
}
