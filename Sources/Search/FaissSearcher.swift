// The same search with Faiss for the scan, to compare our own engine with.
#if Faiss
    package import SearchTypes
    import ShardFile
    package import TesseraBase
    package import VectorCore
    package import VectorIndex

    /// Searches the shards of one version through Faiss: another maker of candidates.
    ///
    /// Lists are chosen, candidates refined and ids resolved as ``IndexSearcher`` does; Faiss
    /// computes the distances of the codes, in floats, and picks the candidates.
    package struct FaissSearcher: LaneSearcher {
        private let loaded: IndexSearcher
        /// The Faiss index of each shard, by ordinal.
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
            _ query: ArraySlice<Float>, options: SearchOptions, filter: RowFilter?,
            scratch: inout SearchScratch
        ) throws(TesseraError) -> SearchAnswer {
            var receipt = Receipt()
            let chosen = loaded.root.choose(
                query, options, views: loaded.views, &scratch.arena, &receipt)
            var watch = Stopwatch()
            var scanned = Receipt()
            let found = try scan(
                chosen, depth: options.candidateDepth(refines: loaded.leaf.refines), filter,
                &scanned)
            let candidates = chosen.take(found, &scratch.arena)
            receipt.scan = watch.lap()
            let answer = try loaded.leaf.answer(candidates, options, &scratch, receipt).answer
            receipt = answer.receipt
            receipt.listsScanned = scanned.listsScanned
            receipt.codesScanned = scanned.codesScanned
            receipt.shardsTouched = scanned.shardsTouched
            receipt.rowsRefined = loaded.leaf.refines ? found.count : 0
            return SearchAnswer(hits: answer.hits, receipt: receipt)
        }

        /// Searches each shard over its chosen lists; returns the `depth` nearest of all, ties to
        /// the lower place.
        private func scan(
            _ chosen: borrowing ChosenLists, depth: Int, _ filter: RowFilter?,
            _ receipt: inout Receipt
        ) throws(TesseraError) -> [(slot: Int, row: Int, distance: Float)] {
            var lists: [Int: (slot: Int, lists: [Int])] = [:]
            for index in 0..<chosen.count {
                let (slot, shard, list) = chosen[index]
                lists[shard, default: (slot, [])].lists.append(list)
            }
            let query = chosen.transformedQuery
            var nearest = TopCandidates(capacity: depth)
            for (shard, probed) in lists {
                let entries = loaded.shards[shard].head.lists
                let codes = probed.lists.reduce(0) { $0 + entries[$1].count }
                // Excluded rows take places among the nearest, so all codes are asked for.
                let most = filter == nil ? depth : max(1, codes)
                for hit in try indexes[shard].search(query, lists: probed.lists, most: most) {
                    let place = NumericID(shard: shard, row: Int(hit.id))
                    guard filter?.includes(place) ?? true else { continue }
                    nearest.offer(Candidate(distance: hit.distance, id: place.rawValue))
                }
                receipt.codesScanned += codes
            }
            receipt.shardsTouched = lists.count
            receipt.listsScanned = chosen.count
            return nearest.sorted().map { candidate in
                let place = NumericID(rawValue: candidate.id)
                return (lists[place.shard]?.slot ?? 0, place.row, candidate.distance)
            }
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
