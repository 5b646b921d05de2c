// A query prepared for one shard: the distances of its lists, and the look-up tables of its codebooks.
package import VectorCore

/// A shard's model in the form queries need: codebooks transposed, list norms computed once.
package struct SearchableModel: Sendable {
    package let model: ShardModel
    package let metric: Metric
    /// `[M][dsub][ksub]`.
    let transposed: [Float]
    /// Squared norms of the centroids relative to the origin, `[listCount]`; zeros for inner product.
    let listNorms: [Float]

    package init(model: ShardModel, metric: Metric) {
        self.model = model
        self.metric = metric
        transposed = Self.transpose(model.codebooks)
        let width = model.origin.count
        listNorms = (0..<model.listCount).map { list in
            model.centroidCodes[list * width..<(list + 1) * width].reduce(Float(0)) { sum, code in
                let value = model.centroidStep * Float(code)
                return sum + value * value
            }
        }
    }

    /// The query as this shard sees it: relative to the origin, but for inner product.
    package func shifted(_ query: ArraySlice<Float>) -> [Float] {
        metric == .innerProduct
            ? Array(query) : zip(query, model.origin).map { $0 - $1 }
    }

    /// The constant part of the distance to each list, `[listCount]`: squared distance to its centroid, or the
    /// negative inner product with it.
    ///
    /// - Parameter query: as ``shifted(_:)`` gives it.
    package func listDistances(_ query: [Float]) -> [Float] {
        var distances = [Float](repeating: 0, count: model.listCount)
        var output = distances.mutableSpan
        Kernels.dots(query.span, rows: model.centroidCodes.span, into: &output)
        if metric == .innerProduct {
            let constant = Kernels.dot(query.span, model.origin.span)
            for list in distances.indices {
                distances[list] = -(constant + model.centroidStep * distances[list])
            }
        } else {
            let constant = Kernels.dot(query.span, query.span)
            for list in distances.indices {
                let product = 2 * model.centroidStep * distances[list]
                distances[list] = constant - product + listNorms[list]
            }
        }
        return distances
    }

    /// The tables of one query for this shard.
    ///
    /// - Parameter query: as ``shifted(_:)`` gives it.
    package func tables(_ query: [Float]) -> QueryTables {
        let shape = model.shape
        var products = [Float](
            repeating: 0, count: shape.subquantizerCount * shape.centroidCount)
        var output = products.mutableSpan
        Kernels.tables(
            query: query.span, codebooks: transposed.span, subquantizers: shape.subquantizerCount,
            centroids: shape.centroidCount, into: &output)
        let factor: Float = metric == .innerProduct ? -1 : -2
        for index in products.indices { products[index] *= factor }
        return shape.bitsPerCode == 4
            ? QueryTables.quantized(products, subquantizers: shape.subquantizerCount)
            : QueryTables(offset: 0, step: 1, bytes: [], floats: products)
    }

    private static func transpose(_ codebooks: Codebooks) -> [Float] {
        let shape = codebooks.shape
        var transposed = [Float](repeating: 0, count: codebooks.centroids.count)
        for subquantizer in 0..<shape.subquantizerCount {
            for centroid in 0..<shape.centroidCount {
                for offset in 0..<shape.subdimension {
                    let source =
                        (subquantizer * shape.centroidCount + centroid) * shape.subdimension
                    let target = (subquantizer * shape.subdimension + offset) * shape.centroidCount
                    transposed[target + centroid] = codebooks.centroids[source + offset]
                }
            }
        }
        return transposed
    }
}

/// Look-up tables of one (query, shard): bytes for 4-bit codes, floats for 8-bit ones.
package struct QueryTables: Sendable {
    /// Added to every distance: what the byte tables left out.
    package let offset: Float
    /// What one step of a byte table is worth.
    package let step: Float
    package let bytes: [UInt8]
    package let floats: [Float]

    /// Scales `tables` (`[M][16]`) to bytes, one scale for all since their sum is what counts; the largest sum
    /// fits 16 bits.
    static func quantized(_ tables: [Float], subquantizers: Int) -> QueryTables {
        var minima: [Float] = []
        var widest: Float = 0
        for start in stride(from: 0, to: tables.count, by: 16) {
            let (low, high) = tables[start..<start + 16].reduce(
                (Float.infinity, -Float.infinity)
            ) { (min($0.0, $1), max($0.1, $1)) }
            minima.append(low)
            widest = max(widest, high - low)
        }
        let levels = Float(min(255, 65_535 / subquantizers))
        let step = widest > 0 ? widest / levels : 1
        let bytes = tables.enumerated().map { index, value in
            UInt8(min(levels, ((value - minima[index / 16]) / step).rounded(.toNearestOrEven)))
        }
        return QueryTables(offset: minima.reduce(0, +), step: step, bytes: bytes, floats: [])
    }
}
