// Which lists a query scans: the router offers shards, and the best lists over all of them win.
import TesseraBase
import VectorCore
import VectorIndex

/// A list to scan, and what the query knows about it.
struct Probe: Sendable {
    let shard: Int
    let list: Int
    /// The distance to the list's centroid, as ``VectorIndex/SearchableModel/listDistances(_:)`` gives it.
    let distance: Float
    let tables: QueryTables
}

/// Routing and selecting, wherever the shards are.
struct ListSelection: Sendable {
    let router: Router
    let metric: Metric

    /// Ordinals of the shards whose lists are considered, nearest first.
    func offered(_ query: ArraySlice<Float>, _ options: SearchOptions) -> [Int] {
        router.nearest(query, metric: metric, count: options.probeShards)
    }

    /// The `options.probeCount` nearest lists over all `shards`, nearest first.
    func probes(
        _ query: ArraySlice<Float>, in shards: [OpenShard], _ options: SearchOptions
    ) -> [Probe] {
        let transformed = router.transform.apply(
            Matrix(rows: 1, columns: query.count, elements: Array(query))
        ).elements[...]
        var prepared: [Int: (model: SearchableModel, query: [Float])] = [:]
        var nearest = TopCandidates(capacity: options.probeCount)
        for shard in shards {
            let local = shard.model.shifted(transformed)
            prepared[shard.ordinal] = (shard.model, local)
            for (list, distance) in shard.model.listDistances(local).enumerated() {
                let place = NumericID(shard: shard.ordinal, row: list)
                nearest.offer(Candidate(distance: distance, id: place.rawValue))
            }
        }
        var tables: [Int: QueryTables] = [:]
        return nearest.sorted().compactMap { candidate in
            let place = NumericID(rawValue: candidate.id)
            guard let (model, local) = prepared[place.shard] else { return nil }
            let shardTables = tables[place.shard] ?? model.tables(local)
            tables[place.shard] = shardTables
            return Probe(
                shard: place.shard, list: place.row, distance: candidate.distance,
                tables: shardTables)
        }
    }
}
