// The bias byte: the query-independent term of a vector's squared distance.
import VectorCore

/// Computes `|r|^2 + 2 <c, r>` for decoded residuals r and the list centroid c, both relative to
/// the shard's origin, and quantizes it to one byte with an offset and a step per list.
///
/// With q relative to the origin, |q - c - r|^2 = |q - c|^2 - 2 <q, r> + (|r|^2 + 2 <c, r>). The
/// first term is the coarse distance of a (query, list) pair, the second comes from the lookup
/// tables of a (query, shard) pair, and the third depends on the vector alone.
struct BiasEncoder {
    private let model: ShardModel
    private let entryNorms: [Float]

    init(model: ShardModel) {
        self.model = model
        let subdimension = model.shape.subdimension
        entryNorms = stride(
            from: 0, to: model.codebooks.centroids.count, by: subdimension
        ).map { start in
            model.codebooks.centroids[start..<start + subdimension].reduce(0) { $0 + $1 * $1 }
        }
    }

    /// - Parameter codes: `[n][subquantizerCount]`, one code per byte.
    func encode(list: Int, codes: [UInt8]) -> (offset: Float, step: Float, bytes: [UInt8]) {
        let terms = terms(list: list, codes: codes)
        guard let smallest = terms.min(), let largest = terms.max() else { return (0, 0, []) }
        let step = (largest - smallest) / 255
        guard step > 0 else {
            return (smallest, 0, [UInt8](repeating: 0, count: terms.count))
        }
        let bytes = terms.map { term in
            UInt8(min(255, ((term - smallest) / step).rounded(.toNearestOrEven)))
        }
        return (smallest, step, bytes)
    }

    /// The unscaled terms, `[n]`.
    func terms(list: Int, codes: [UInt8]) -> [Float] {
        let shape = model.shape
        let products = centroidProducts(list: list)
        let table = zip(entryNorms, products).map { norm, product in norm + 2 * product }
        return stride(from: 0, to: codes.count, by: shape.subquantizerCount).map { start in
            var sum: Float = 0
            for subquantizer in 0..<shape.subquantizerCount {
                sum += table[subquantizer * shape.centroidCount + Int(codes[start + subquantizer])]
            }
            return sum
        }
    }

    /// `<c, entry>` for every codebook entry: `[M][ksub]`.
    private func centroidProducts(list: Int) -> [Float] {
        let shape = model.shape
        let width = shape.paddedDimension
        let centroid = model.centroidCodes[list * width..<(list + 1) * width]
            .map { model.centroidStep * Float($0) }
        var products: [Float] = []
        products.reserveCapacity(entryNorms.count)
        for entry in 0..<entryNorms.count {
            let first = entry / shape.centroidCount * shape.subdimension
            var sum: Float = 0
            for offset in 0..<shape.subdimension {
                sum +=
                    centroid[first + offset]
                    * model.codebooks.centroids[entry * shape.subdimension + offset]
            }
            products.append(sum)
        }
        return products
    }
}
