// Queries of a batch in step: each stage for all of them before the next.
import SearchTypes
import TesseraBase
import VectorCore
import VectorIndex

extension IndexSearcher {
    /// Searches for at most ``RoutedBatch/width`` queries together.
    func search(
        _ together: [Int], of queries: Matrix, _ options: SearchOptions, _ filter: RowFilter?,
        _ scratch: inout SearchScratch, answered: (Int, SearchAnswer) -> Void
    ) throws(TesseraError) {
        var watch = Stopwatch()
        var receipt = Receipt()
        let routed = route(together, of: queries, options, &scratch.arena)
        receipt.route = watch.lap() / together.count
        let chosen = choose(routed, options, &scratch.arena)
        receipt.chooseLists = watch.lap() / together.count
        var scanned = chosen.scan(
            depth: options.candidateDepth(refines: leaf.refines), refines: leaf.refines,
            filter: filter, &scratch.arena)
        receipt.scan = watch.lap() / together.count
        guard leaf.refines, isWhole else {
            for (index, query) in together.enumerated() {
                let candidates = scanned.take(index).candidates(&scratch.arena)
                answered(query, try leaf.answer(candidates, options, &scratch, receipt).answer)
            }
            return
        }
        let answers = try refineInStep(
            &scanned, together.count, k: options.k, receipt, &scratch.arena)
        let share = watch.lap() / together.count
        for (query, found) in zip(together, answers) {
            var own = found.receipt
            own.refine = share
            answered(query, SearchAnswer(hits: found.hits, receipt: own))
        }
    }

    private func route(
        _ together: [Int], of queries: Matrix, _ options: SearchOptions, _ arena: inout QueryArena
    ) -> RoutedBatch {
        var routed = RoutedBatch()
        for (index, query) in together.enumerated() {
            if index + 1 < together.count {
                SearchKernels.prefetch(queries, row: together[index + 1])
            }
            routed.begin(
                queries.row(query), root.router, views: views, shards: options.probeShards,
                lists: options.likelyLists, &arena)
        }
        return routed
    }

    private func choose(
        _ routed: consuming RoutedBatch, _ options: SearchOptions, _ arena: inout QueryArena
    ) -> ChosenBatch {
        routed.rank(views: views, &arena)
        return routed.chooseLists(options.probeCount, margin: options.listMargin, &arena)
    }

    /// Software pipelining: query i runs one step behind query i - 1, so its prefetches land while
    /// others compute.
    private func refineInStep(
        _ batch: inout ScannedBatch, _ count: Int, k: Int, _ receipt: Receipt,
        _ arena: inout QueryArena
    ) throws(TesseraError) -> [SearchAnswer] {
        var answers: [SearchAnswer] = []
        answers.reserveCapacity(count)
        func isThere(_ index: Int) -> Bool { index >= 0 && index < count }
        for step in 0..<count + 3 {
            if isThere(step) { batch.chooseCandidates(step, &arena) }
            if isThere(step - 1) {
                batch.compareCoarsely(step - 1, k: k)
                batch.firstPass(step - 1) { leaf.prefetchPlaces($0) }
            }
            if isThere(step - 2) {
                batch.compareWhole(step - 2, k: k)
                batch.nearest(step - 2) { leaf.prefetchIDs($0) }
            }
            if isThere(step - 3) {
                let nearest = batch.takeNearest(step - 3)
                var own = receipt
                own.count(nearest)
                // All is in memory, so nothing is read.
                answers.append(
                    SearchAnswer(
                        hits: try leaf.resolve(nearest.candidates, &own), receipt: own))
                nearest.finish(&arena)
            }
        }
        return answers
    }
}
