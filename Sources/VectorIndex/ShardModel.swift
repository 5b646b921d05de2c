// The result of training a shard: list centroids and codebooks. Immutable.
package import VectorCore

/// The IVF-PQ of one shard.
///
/// List centroids are signed bytes relative to the shard's origin. The stored, quantized centroid
/// *is* the centroid: vectors are assigned to it and residuals taken from it, so its short form
/// loses nothing.
package struct ShardModel: Sendable, Equatable {
    /// The shard's mean, `[paddedDimension]`.
    package let origin: [Float]
    /// Size of one step of a centroid byte.
    package let centroidStep: Float
    /// `[listCount][paddedDimension]`.
    package let centroidCodes: [Int8]
    package let codebooks: Codebooks

    package init(
        origin: [Float], centroidStep: Float, centroidCodes: [Int8], codebooks: Codebooks
    ) {
        precondition(origin.count == codebooks.shape.paddedDimension, "origin must be padded")
        precondition(centroidCodes.count.isMultiple(of: origin.count), "centroids must be whole")
        self.origin = origin
        self.centroidStep = centroidStep
        self.centroidCodes = centroidCodes
        self.codebooks = codebooks
    }

    package var shape: ProductQuantizerShape { codebooks.shape }
    package var listCount: Int { centroidCodes.count / origin.count }

    /// Quantizes `centroids` (`[listCount][paddedDimension]`) relative to `origin`.
    package static func quantize(_ centroids: Matrix, about origin: [Float]) -> (
        step: Float, codes: [Int8]
    ) {
        var largest: Float = 0
        for (index, value) in centroids.elements.enumerated() {
            largest = max(largest, abs(value - origin[index % origin.count]))
        }
        // Subnormal or nearly infinite vectors give a step that is not a normal number; use 1
        // instead.
        let step = (largest / 127).isNormal ? largest / 127 : 1
        let codes = centroids.elements.enumerated().map { index, value in
            let scaled = ((value - origin[index % origin.count]) / step)
                .rounded(.toNearestOrEven)
            return Int8(max(-127, min(127, scaled)))
        }
        return (step, codes)
    }

    /// The list centroids as floats: `[listCount][paddedDimension]`.
    package var centroids: Matrix {
        Self.dequantize(centroidCodes, step: centroidStep, about: origin)
    }

    /// Decodes centroids that ``quantize(_:about:)`` encoded.
    static func dequantize(_ codes: [Int8], step: Float, about origin: [Float]) -> Matrix {
        Matrix(
            rows: codes.count / origin.count, columns: origin.count,
            elements: codes.enumerated().map { index, code in
                origin[index % origin.count] + step * Float(code)
            })
    }
}

/// The quantized centroids of a shard's lists, before the shard has codebooks.
package struct ListCentroids: Sendable {
    /// The shard's mean, `[paddedDimension]`.
    package let origin: [Float]
    package let step: Float
    /// `[count][paddedDimension]`.
    package let codes: [Int8]

    /// Quantizes `centroids` (`[count][paddedDimension]`).
    package init(_ centroids: Matrix, about origin: [Float]) {
        self.origin = origin
        (step, codes) = ShardModel.quantize(centroids, about: origin)
    }

    package var count: Int { codes.count / origin.count }

    /// The centroids as floats: `[count][paddedDimension]`.
    package var matrix: Matrix { ShardModel.dequantize(codes, step: step, about: origin) }
}

/// One encoded inverted list.
package struct EncodedList: Sendable, Equatable {
    /// The input rows in the list, ascending.
    package let members: [Int]
    /// One code per byte: `[members][subquantizerCount]`.
    package let codes: [UInt8]
    /// The query-independent term of each member's distance, which is `biasOffset + biasStep *
    /// bias`. Empty for inner product.
    package let bias: [UInt8]
    package let biasOffset: Float
    package let biasStep: Float

    package init(
        members: [Int], codes: [UInt8], bias: [UInt8], biasOffset: Float, biasStep: Float
    ) {
        self.members = members
        self.codes = codes
        self.bias = bias
        self.biasOffset = biasOffset
        self.biasStep = biasStep
    }
}

/// A trained shard and all its codes.
package struct EncodedShard: Sendable {
    package let model: ShardModel
    package let lists: [EncodedList]

    package init(model: ShardModel, lists: [EncodedList]) {
        self.model = model
        self.lists = lists
    }
}
