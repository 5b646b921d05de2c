// Stored vectors of a version, read from the workers that hold them.
import Catalog
package import SearchTypes
import Synchronization
package import TesseraBase
import VectorCore

extension RemoteBackend {
    package func vector(of id: String) async throws(TesseraError) -> [Float]? {
        try await anyWorker(first: []) { link async throws(TesseraError) in
            try await link.vector(
                of: id, index: index, version: version, timeout: settings.longestSearch)
        }
    }

    /// Asks a holder of each shard for its rows, all holders at once.
    package func vectors(of hits: [Hit]) async throws(TesseraError) -> [[Float]] {
        let set = workers.withLock { $0 }
        var byGroup: [Int: [Int]] = [:]
        for (number, hit) in hits.enumerated() {
            guard set.placement.groups.indices.contains(hit.place.shard) else {
                throw TesseraError(
                    .invalidArgument, "version \(version) has no shard \(hit.place.shard)")
            }
            byGroup[set.placement.groups[hit.place.shard], default: []].append(number)
        }
        let groups = byGroup.sorted { $0.key < $1.key }
        let found = try await mapConcurrently(groups, width: max(1, groups.count)) {
            group, numbers async throws(TesseraError) in
            try await self.vectors(
                of: numbers.map { hits[$0] }, first: set.orders[group].map { set.links[$0] })
        }
        var vectors = [[Float]](repeating: [], count: hits.count)
        for ((_, numbers), rows) in zip(groups, found) {
            for (number, row) in zip(numbers, rows) { vectors[number] = row }
        }
        return vectors
    }

    private func vectors(
        of hits: [Hit], first: [WorkerLink]
    ) async throws(TesseraError) -> [[Float]] {
        try await anyWorker(first: first) { link async throws(TesseraError) in
            do throws(TesseraError) {
                let rows = try await link.vectors(
                    at: hits.map(\.place), index: index, version: version,
                    dimension: manifest.index.dimension, timeout: settings.longestSearch)
                return (0..<rows.rows).map { Array(rows.row($0)) }
            } catch  where error.code == .unsupported {
                // An older worker, or an index without vectors; a lookup tells them apart.
                var vectors: [[Float]] = []
                for hit in hits { vectors.append(try await vector(of: hit.id) ?? []) }
                return vectors
            }
        }
    }

    /// Asks serving workers, one after another, until one can answer.
    private func anyWorker<Value>(
        first: [WorkerLink], _ ask: (WorkerLink) async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        var last = TesseraError(.unavailable, "no worker can be asked now; try again")
        let links = first.isEmpty ? workers.withLock { $0 }.links : first
        for link in links where link.isServing {
            do throws(TesseraError) {
                return try await ask(link)
            } catch  where error.code == .unavailable || error.code == .resourceExhausted {
                last = error
            }
        }
        throw last
    }
}
