// How far our distances of codes may be off: tables and bias are rounded to bytes.
import SearchFixtures
import ShardFile
import VectorCore
import VectorIndex

extension OpenedShard {
    /// Half a step of each table, as it is rounded twice, half a step of the bias, and float
    /// rounding, in distances as they are reported.
    ///
    /// - Parameter query: in the padded dimension.
    func roundingBound(_ query: ArraySlice<Float>) -> Double {
        let shape = head.model.shape
        let widest = widestTable(Array(query))
        let steps = widest / 255 + widest / Double(ListScan.tableSteps)
        let table = shape.bitsPerCode == 4 ? steps * 0.5 * Double(shape.subquantizerCount) : 0
        let bias = head.lists.map { Double($0.biasStep) * 0.5 }.max() ?? 0
        return (table + bias) * (head.metric == .cosine ? 0.5 : 1) + 1e-4
    }

    /// The largest extent of a subquantizer's products with the query.
    private func widestTable(_ query: [Float]) -> Double {
        let (model, shape) = (head.model, head.model.shape)
        let local =
            head.metric == .innerProduct ? query : zip(query, model.origin).map { $0 - $1 }
        let extents = (0..<shape.subquantizerCount).map { subquantizer in
            let products = (0..<shape.centroidCount).map { code in
                let entry = (subquantizer * shape.centroidCount + code) * shape.subdimension
                return (0..<shape.subdimension).reduce(0.0) { sum, column in
                    sum + Double(local[subquantizer * shape.subdimension + column])
                        * Double(model.codebooks.centroids[entry + column])
                }
            }
            return (products.max() ?? 0) - (products.min() ?? 0)
        }
        return (head.metric == .innerProduct ? 1 : 2) * (extents.max() ?? 0)
    }
}
