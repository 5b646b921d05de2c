// A query vector in the forms that the steps need.
import VectorCore

/// The query as given, and as the quantizer needs it.
struct QueryForm: ~Copyable {
    var metric = Metric.l2
    /// `[dimension]`, as given.
    var vector = ScratchBuffer<Float>()
    var dimension = 0
    /// `[paddedDimension]`: rotated or padded.
    var transformed = ScratchBuffer<Float>()
    var paddedDimension = 0

    /// Takes a query and transforms it.
    mutating func take(
        _ query: ArraySlice<Float>, _ transform: InputTransform, metric: Metric
    ) {
        reserve(query.count, padded: transform.outputDimension, metric)
        query.withUnsafeBufferPointer { source in
            vector.base.update(from: source.baseAddress!, count: dimension)
        }
        if case .rotation = transform {
            let rotated = transform.apply(
                Matrix(rows: 1, columns: dimension, elements: Array(query)))
            for index in 0..<paddedDimension { transformed.base[index] = rotated.elements[index] }
        } else {
            transformed.base.update(from: vector.base, count: dimension)
            for index in dimension..<paddedDimension { transformed.base[index] = 0 }
        }
    }

    /// Takes a query whose transformed form is known; nil where the query is only padded.
    mutating func take(
        _ query: ArraySlice<Float>, transformed known: ArraySlice<Float>?, padded: Int,
        metric: Metric
    ) {
        precondition(
            !query.isEmpty && padded >= (known ?? query).count,
            "a query has dimensions, and not more than there is room for")
        reserve(query.count, padded: padded, metric)
        for (place, value) in query.enumerated() { vector.base[place] = value }
        let source = known ?? query
        for (place, value) in source.enumerated() { transformed.base[place] = value }
        for place in source.count..<padded { transformed.base[place] = 0 }
    }

    private mutating func reserve(_ count: Int, padded: Int, _ metric: Metric) {
        self.metric = metric
        dimension = count
        paddedDimension = padded
        vector.reserve(count)
        transformed.reserve(padded)
    }
}
