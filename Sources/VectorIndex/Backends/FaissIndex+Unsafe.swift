// A shard as Faiss searches it: the same centroids, codebooks and codes as in our own scan.
#if Faiss
    import CFaissShim
    package import TesseraBase
    import VectorCore

    /// An `IndexIVFPQ` in memory. Immutable once made, so any number of threads may search it.
    package final class FaissIndex: @unchecked Sendable {
        private let handle: OpaquePointer
        private let dimension: Int
        private let listCount: Int
        private let vectorCount: Int
        /// -1 for inner product: Faiss's inner products grow with nearness, our distances shrink.
        /// Else 1.
        private let sign: Float

        /// - Throws: `invalidArgument` where the parts of `contents` do not fit together, or where
        ///   it has a transform: queries are given in the padded dimension.
        package init(_ contents: FaissIndexContents) throws(TesseraError) {
            try contents.check()
            guard contents.transform == .none else {
                throw TesseraError(.invalidArgument, "an index in memory takes no transform")
            }
            let shape = contents.codebooks.shape
            var made: OpaquePointer?
            try FaissCall.make("making an index") { message, capacity in
                tessera_faiss_index_create(
                    contents.centroids.elements, Int64(contents.lists.count),
                    contents.codebooks.centroids, Int64(shape.subquantizerCount),
                    Int64(shape.subdimension), Int32(shape.bitsPerCode),
                    contents.metric == .innerProduct ? 1 : 0, &made, &message, capacity)
            }
            guard let made else {
                throw TesseraError(.unavailable, "faiss made no index")
            }
            handle = made
            dimension = shape.paddedDimension
            listCount = contents.lists.count
            vectorCount = contents.vectorCount
            sign = contents.metric == .innerProduct ? -1 : 1
            for (number, list) in contents.lists.enumerated() where !list.ids.isEmpty {
                try FaissCall.make("filling an index") { message, capacity in
                    tessera_faiss_index_add(
                        handle, Int64(number), Int64(list.ids.count), list.ids, list.codes,
                        &message, capacity)
                }
            }
        }

        deinit {
            tessera_faiss_index_destroy(handle)
        }

        /// The `most` nearest to `query` (`[paddedDimension]`) in the given lists, nearest first,
        /// with distances as our kernels define them.
        package func search(_ query: [Float], lists: [Int], most: Int) throws(TesseraError)
            -> [(id: Int64, distance: Float)]
        {
            precondition(query.count == dimension, "a query in the padded dimension expected")
            precondition(lists.allSatisfy { $0 >= 0 && $0 < listCount }, "no such list")
            let room = min(most, vectorCount)
            guard room > 0, !lists.isEmpty else { return [] }
            var ids = [Int64](repeating: -1, count: room)
            var distances = [Float](repeating: 0, count: room)
            try FaissCall.make("search") { message, capacity in
                tessera_faiss_index_search(
                    handle, query, lists.map(Int64.init), Int64(lists.count), Int64(room), &ids,
                    &distances, &message, capacity)
            }
            let found = ids.firstIndex(of: -1) ?? room
            return (0..<found).map { (ids[$0], sign * distances[$0]) }
        }
    }
#endif
