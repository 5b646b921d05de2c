// The kernels of the query path with Swift names. They take pointers: the caller guarantees the
// shapes when it lays out memory, and they are not checked again for each list.
import CVectorKernels

/// Centroids as bytes, 16 side by side: see `tsr_centroids`.
package struct CentroidBlock: BitwiseCopyable, @unchecked Sendable {
    package let codes: UnsafePointer<Int8>
    package let corrections: UnsafePointer<Int32>
    package let norms: UnsafePointer<Float>
    package let groups: Int
    package let words: Int

    package init(
        codes: UnsafePointer<Int8>, corrections: UnsafePointer<Int32>,
        norms: UnsafePointer<Float>, groups: Int, words: Int
    ) {
        self.codes = codes
        self.corrections = corrections
        self.norms = norms
        self.groups = groups
        self.words = words
    }
}

/// Output of scans, with room for the list's vectors and 16 more.
package struct ScanOutput: BitwiseCopyable {
    package let rows: UnsafeMutablePointer<UInt32>
    package let distances: UnsafeMutablePointer<Float>

    package init(rows: UnsafeMutablePointer<UInt32>, distances: UnsafeMutablePointer<Float>) {
        self.rows = rows
        self.distances = distances
    }
}

/// Scales that turn a table entry and a bias byte into steps of one list.
package struct NarrowSteps: BitwiseCopyable, Sendable {
    package let factor: Int16
    package let biasFactor: Int16
    package let limit: UInt8

    package init(factor: Int16, biasFactor: Int16, limit: UInt8) {
        self.factor = factor
        self.biasFactor = biasFactor
        self.limit = limit
    }
}

/// One of several queries that rank centroids together; laid out as `tsr_ranking`.
package struct CentroidRanking: BitwiseCopyable {
    package var query: UnsafePointer<UInt8>
    package var scale: Float
    package var constant: Float
    package var output: UnsafeMutablePointer<Float>

    package init(
        query: UnsafePointer<UInt8>, scale: Float, constant: Float,
        output: UnsafeMutablePointer<Float>
    ) {
        self.query = query
        self.scale = scale
        self.constant = constant
        self.output = output
    }
}

/// Kernels that a query calls, by the names of `vector_kernels.h`.
package enum SearchKernels {
    /// See `tsr_rank_together`.
    package static func rank(_ block: CentroidBlock, _ queries: [CentroidRanking]) {
        var centroids = tsr_centroids(
            codes: block.codes, corrections: block.corrections, norms: block.norms,
            groups: block.groups, words: block.words)
        queries.withUnsafeBytes { bytes in
            tsr_rank_together(
                &centroids, bytes.baseAddress?.assumingMemoryBound(to: tsr_ranking.self),
                queries.count)
        }
    }

    /// See `tsr_prepare_query`.
    package static func prepare(
        _ query: UnsafePointer<Float>, origin: UnsafePointer<Float>, count: Int,
        shifted: UnsafeMutablePointer<Float>, bytes: UnsafeMutablePointer<UInt8>
    ) -> (step: Float, norm: Float) {
        var step: Float = 0
        var norm: Float = 0
        tsr_prepare_query(query, origin, count, shifted, bytes, &step, &norm)
        return (step, norm)
    }

    /// See `tsr_rank_centroids`.
    package static func rank(
        _ block: CentroidBlock, query: UnsafePointer<UInt8>, scale: Float, constant: Float,
        into output: UnsafeMutablePointer<Float>
    ) {
        var centroids = tsr_centroids(
            codes: block.codes, corrections: block.corrections, norms: block.norms,
            groups: block.groups, words: block.words)
        tsr_rank_centroids(&centroids, query, scale, constant, output)
    }

    /// See `tsr_group_minima`.
    package static func groupMinima(
        _ values: UnsafePointer<Float>, groups: Int, into minima: UnsafeMutablePointer<Float>
    ) {
        tsr_group_minima(values, groups, minima)
    }

    /// See `tsr_least`.
    package static func least(_ values: UnsafePointer<Float>, count: Int) -> Float {
        tsr_least(values, count)
    }

    /// See `tsr_select_below`.
    package static func selectBelow(
        _ values: UnsafePointer<Float>, count: Int, threshold: Float,
        indices: UnsafeMutablePointer<UInt32>, selected: UnsafeMutablePointer<Float>
    ) -> Int {
        tsr_select_below(values, count, threshold, 0, indices, selected)
    }

    /// `factor` times the inner products of the query with every codebook entry; see
    /// `tsr_pq_tables`.
    package static func tables(
        _ query: UnsafePointer<Float>, codebooks: UnsafePointer<Float>, subquantizers: Int,
        subdimension: Int, centroids: Int, into tables: UnsafeMutablePointer<Float>
    ) {
        tsr_pq_tables(query, codebooks, subquantizers, subdimension, centroids, tables)
    }

    /// See `tsr_quantize_tables`.
    package static func quantize(
        _ tables: UnsafePointer<Float>, subquantizers: Int, into steps: UnsafeMutablePointer<Int16>
    ) -> (offset: Float, step: Float) {
        var offset: Float = 0
        var step: Float = 0
        tsr_quantize_tables(tables, subquantizers, steps, &offset, &step)
        return (offset, step)
    }

    /// See `tsr_narrow_tables`.
    package static func narrow(
        _ steps: UnsafePointer<Int16>, subquantizers: Int, factor: Int16,
        into bytes: UnsafeMutablePointer<UInt8>
    ) {
        tsr_narrow_tables(steps, subquantizers, factor, bytes)
    }

    /// Bytes that quantized tables take.
    package static func quantizedCount(subquantizers: Int) -> Int { (subquantizers + 3) / 4 * 64 }

    /// The inner product with one centroid of a ``CentroidBlock``: see `tsr_dot_centroid`.
    package static func dot(
        _ query: UnsafePointer<Float>, centroid: UnsafePointer<Int8>, _ count: Int
    ) -> Float {
        tsr_dot_centroid(query, centroid, count)
    }

    /// The inner product of two vectors of `count` floats: see `tsr_dot_f32`.
    package static func dot(
        _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int
    ) -> Float {
        tsr_dot_f32(a, b, count)
    }

    /// Prefetches `count` bytes.
    package static func prefetch(_ bytes: UnsafeRawPointer, _ count: Int) {
        tsr_prefetch(bytes, count)
    }

    /// Prefetches a row, if there is one.
    package static func prefetch(_ matrix: Matrix, row: Int) {
        guard row >= 0, row < matrix.rows else { return }
        matrix.elements.withUnsafeBufferPointer { elements in
            guard let base = elements.baseAddress else { return }
            tsr_prefetch(
                base + row * matrix.columns, matrix.columns * MemoryLayout<Float>.stride)
        }
    }

    /// Prefetches `bytes` from each address on.
    package static func prefetch(
        _ places: UnsafePointer<UnsafePointer<UInt8>>, count: Int, bytes: Int
    ) {
        places.withMemoryRebound(to: UnsafePointer<UInt8>?.self, capacity: count) {
            tsr_prefetch_each($0, count, bytes)
        }
    }
}

/// A stored refine row with what its shard's distances start from; laid out as `tsr_stored_row`.
package struct StoredRow: BitwiseCopyable {
    package var shifted: UnsafePointer<Float>
    package var step: UnsafePointer<Float>
    package var high: UnsafePointer<UInt8>
    package var low: UnsafePointer<UInt8>?

    package init(
        shifted: UnsafePointer<Float>, step: UnsafePointer<Float>, high: UnsafePointer<UInt8>,
        low: UnsafePointer<UInt8>?
    ) {
        self.shifted = shifted
        self.step = step
        self.high = high
        self.low = low
    }
}

/// Selection of the smallest values, without branches that could be mispredicted.
extension SearchKernels {
    /// See `tsr_nth_smallest`.
    package static func smallest(_ values: UnsafePointer<Float>, count: Int, place: Int) -> Float {
        tsr_nth_smallest(values, count, place)
    }

    /// See `tsr_sort_keys`.
    package static func sort(
        _ keys: UnsafePointer<UInt64>, count: Int, wanted: Int,
        into sorted: UnsafeMutablePointer<UInt64>
    ) {
        tsr_sort_keys(keys, count, wanted, sorted)
    }
}

/// Distances to stored refine rows: see the kernels of the same names.
extension SearchKernels {
    /// See `tsr_l2_sq8_rows` and, for `whole` rows, `tsr_l2_sq16_rows`.
    package static func squaredDistances(
        _ rows: UnsafePointer<StoredRow>, count: Int, width: Int, whole: Bool,
        into distances: UnsafeMutablePointer<Float>
    ) {
        let rows = UnsafeRawPointer(rows).assumingMemoryBound(to: tsr_stored_row.self)
        if whole {
            tsr_l2_sq16_rows(rows, count, width, distances)
        } else {
            tsr_l2_sq8_rows(rows, count, width, distances)
        }
    }

    /// Squared distance to an sq8 row of `count` dimensions: see `tsr_l2_sq8`.
    package static func squaredDistanceSQ8(
        _ shifted: UnsafePointer<Float>, _ step: UnsafePointer<Float>,
        _ row: UnsafePointer<UInt8>, _ count: Int
    ) -> Float { tsr_l2_sq8(shifted, step, row, count) }

    /// Inner product with an sq8 row of `count` dimensions: see `tsr_dot_sq8`.
    package static func dotSQ8(
        _ scaled: UnsafePointer<Float>, _ row: UnsafePointer<UInt8>, _ count: Int
    ) -> Float { tsr_dot_sq8(scaled, row, count) }

    /// Squared distance to an sq16 row of `count` dimensions: see `tsr_l2_sq16`.
    package static func squaredDistanceSQ16(
        _ shifted: UnsafePointer<Float>, _ step: UnsafePointer<Float>,
        _ high: UnsafePointer<UInt8>, _ low: UnsafePointer<UInt8>, _ count: Int
    ) -> Float { tsr_l2_sq16(shifted, step, high, low, count) }

    /// Inner product with an sq16 row of `count` dimensions: see `tsr_dot_sq16`.
    package static func dotSQ16(
        _ scaled: UnsafePointer<Float>, _ high: UnsafePointer<UInt8>,
        _ low: UnsafePointer<UInt8>, _ count: Int
    ) -> Float { tsr_dot_sq16(scaled, high, low, count) }

    /// Squared distance to an f16 row of `count` dimensions: see `tsr_l2_f16`.
    package static func squaredDistanceF16(
        _ query: UnsafePointer<Float>, _ row: UnsafePointer<UInt8>, _ count: Int
    ) -> Float { tsr_l2_f16(query, row, count) }

    /// Inner product with an f16 row of `count` dimensions: see `tsr_dot_f16`.
    package static func dotF16(
        _ query: UnsafePointer<Float>, _ row: UnsafePointer<UInt8>, _ count: Int
    ) -> Float { tsr_dot_f16(query, row, count) }
}
