// The same search with Faiss for the scan: what our own engine is held against.
#if Faiss
    import SearchTypes
    import ShardFile
    package import TesseraBase
    package import VectorCore
    package import VectorIndex

    /// Searches the shards of one version through Faiss. Lists are chosen, candidates refined and winners named as
    /// ``IndexSearcher`` does; Faiss computes the distances of the codes, in floats, and picks the candidates.
    package struct FaissSearcher: LaneSearcher {
        private let loaded: IndexSearcher
        /// By ordinal.
        private let indexes: [FaissIndex]

        /// Hands every shard to Faiss, as many at a time as the pool is wide.
        package init(_ loaded: IndexSearcher, pool: WorkPool) async throws(TesseraError) {
            let indexes = try await pool.map(Array(loaded.shards.indices)) {
                ordinal throws(TesseraError) in
                try await pool.run { () throws(TesseraError) in
                    try FaissIndex(loaded.faissContents(shard: ordinal))
                }
            }
            self.init(loaded, indexes: indexes)
        }

        /// - Precondition: one index a shard, whose ids are rows.
        package init(_ loaded: IndexSearcher, indexes: [FaissIndex]) {
            precondition(indexes.count == loaded.shards.count, "one index a shard")
            self.loaded = loaded
            self.indexes = indexes
        }

        package var engine: SearchEngine { .faiss }
        package var metric: Metric { loaded.metric }
        /// Faiss holds the codes once more, unpacked by block.
        package var codeBytes: Int {
            loaded.shards.reduce(loaded.codeBytes) { sum, shard in
                sum + shard.head.vectorCount * shard.head.model.shape.codeSize
            }
        }
        package var modelBytes: Int { loaded.modelBytes }

        package func search(
            _ query: ArraySlice<Float>, options: SearchOptions, scratch: inout SearchScratch
        ) throws(TesseraError) -> SearchAnswer {
            var receipt = Receipt()
            let clock = ContinuousClock()
            let start = clock.now
            loaded.select(query, options, &scratch.run)
            let selected = clock.now
            let depth = options.candidateDepth(refines: loaded.hasRefineTier)
            try scan(&scratch.run, depth: depth, &receipt)
            let scanned = clock.now
            try loaded.refine(options, &scratch, &receipt)
            loaded.askForIds(scratch.run)
            let refined = clock.now
            let hits = try loaded.resolve(scratch.run.nearest, &receipt)
            receipt.route = selected - start
            receipt.scan = scanned - selected
            receipt.refine = refined - scanned
            receipt.resolve = clock.now - refined
            return SearchAnswer(hits: hits, receipt: receipt)
        }

        /// Searches each shard over its chosen lists, and keeps the `depth` nearest of all.
        private func scan(_ run: inout QueryRun, depth: Int, _ receipt: inout Receipt)
            throws(TesseraError)
        {
            var lists = [[Int]](repeating: [], count: run.slotCount)
            for index in 0..<run.probeCount {
                let probe = run.probe(index)
                lists[probe.slot].append(probe.list)
            }
            let query = run.transformedQuery
            var nearest = TopCandidates(capacity: depth)
            var slots: [Int: Int] = [:]
            for (slot, lists) in lists.enumerated() where !lists.isEmpty {
                let ordinal = run.ordinal(slot: slot)
                slots[ordinal] = slot
                for hit in try indexes[ordinal].search(query, lists: lists, most: depth) {
                    let place = NumericID(shard: ordinal, row: Int(hit.id))
                    nearest.offer(Candidate(distance: hit.distance, id: place.rawValue))
                }
                let entries = loaded.shards[ordinal].head.lists
                receipt.codesScanned += lists.reduce(0) { $0 + entries[$1].count }
            }
            run.takeCandidates(
                nearest.sorted().map { candidate in
                    let place = NumericID(rawValue: candidate.id)
                    return (slots[place.shard] ?? 0, place.row, candidate.distance)
                })
            receipt.shardsOffered = run.slotCount
            receipt.shardsTouched = slots.count
            receipt.listsScanned = run.probeCount
            receipt.rowsRefined = loaded.hasRefineTier ? run.candidateCount : 0
        }
    }

    extension IndexSearcher {
        /// A shard as Faiss is given it: ids are rows, and queries come transformed.
        package func faissContents(shard ordinal: Int) -> FaissIndexContents {
            let shard = shards[ordinal]
            let codes = shard.storage.codes
            let first = shard.head.lists[0].codes.lowerBound
            return shard.head.faissContents(nprobe: shard.head.lists.count, transform: .none) {
                list in
                let start = Int(list.codes.lowerBound - first)
                guard let base = codes.base else { return [] }
                return (start..<start + list.codes.count).map { base[$0] }[...]
            } id: { row in
                Int64(row)
            }
        }
    }
#endif
