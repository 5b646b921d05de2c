// Comparing candidates by the bytes of their refine rows.
import VectorCore

extension Candidates {
    /// Compares all candidates, of which there must be one, by the coarse parts of their rows;
    /// returns how rows are encoded.
    func compareRows() -> RefineEncoding {
        let (memory, slots) = (rerank.memory, query.memory.pointee.offer.slots.base)
        let encoding =
            (slots + memory.pointee.candidates.base[0].slot).pointee.view.refine.encoding
        memory.pointee.distances.reserve(count)
        for index in 0..<count { prepare(slots + memory.pointee.candidates.base[index].slot) }
        compareCoarseParts(encoding)
        return encoding
    }

    private func compareCoarseParts(_ encoding: RefineEncoding) {
        let memory = rerank.memory
        let count = count
        guard !query.memory.pointee.form.metric.isInnerProduct, encoding.isScalar else {
            for index in 0..<count {
                memory.pointee.distances.base[index] = coarseDistance(
                    memory.pointee.candidates.base[index])
            }
            return
        }
        memory.pointee.storedRows.reserve(count)
        let (rows, candidates) = (
            memory.pointee.storedRows.base, memory.pointee.candidates.base
        )
        let (slots, queries) = (
            query.memory.pointee.offer.slots.base, memory.pointee.queries.base
        )
        for index in 0..<count {
            let slot = slots + candidates[index].slot
            guard let row = candidates[index].bytes else {
                preconditionFailure("every candidate's row is known")
            }
            rows[index] = StoredRow(
                shifted: queries + slot.pointee.rerankQuery,
                step: slot.pointee.view.refine.coarseStep, high: row, low: nil)
        }
        SearchKernels.squaredDistances(
            rows, count: count, width: query.memory.pointee.form.dimension, whole: false,
            into: memory.pointee.distances.base)
    }

    /// Makes keys of the first `count` selected candidates by their whole rows.
    func compareWholeRows(_ count: Int) {
        let memory = rerank.memory
        let (dimension, isInnerProduct) = (
            query.memory.pointee.form.dimension, query.memory.pointee.form.metric.isInnerProduct
        )
        memory.pointee.selection.keys.reserve(count)
        memory.pointee.storedRows.reserve(count)
        let (keys, indices) = (
            memory.pointee.selection.keys.base, memory.pointee.selection.indices.base
        )
        let (rows, slots) = (
            memory.pointee.storedRows.base, query.memory.pointee.offer.slots.base
        )
        for index in 0..<count {
            let number = Int(indices[index])
            let candidate = memory.pointee.candidates.base[number]
            guard !isInnerProduct else {
                keys[index] = DistanceKey.make(fineDistance(candidate), number)
                continue
            }
            let slot = slots + candidate.slot
            guard let row = candidate.bytes else {
                preconditionFailure("every candidate's row is known")
            }
            rows[index] = StoredRow(
                shifted: memory.pointee.queries.base + slot.pointee.rerankQuery + dimension,
                step: slot.pointee.view.refine.step, high: row, low: row + dimension)
        }
        guard !isInnerProduct else { return }
        SearchKernels.squaredDistances(
            rows, count: count, width: dimension, whole: true,
            into: memory.pointee.distances.base)
        for index in 0..<count {
            keys[index] = DistanceKey.make(
                memory.pointee.distances.base[index], Int(indices[index]))
        }
    }

    private func coarseDistance(_ candidate: RerankCandidate) -> Float {
        let slot = query.memory.pointee.offer.slots.base + candidate.slot
        guard let row = candidate.bytes else { return candidate.distance }
        let vector = rerank.memory.pointee.queries.base + slot.pointee.rerankQuery
        let dimension = query.memory.pointee.form.dimension
        switch (slot.pointee.view.refine.encoding, query.memory.pointee.form.metric) {
        case (.f16, .innerProduct): return -SearchKernels.dotF16(vector, row, dimension)
        case (.f16, _): return SearchKernels.squaredDistanceF16(vector, row, dimension)
        case (_, .innerProduct):
            return -(slot.pointee.coarseConstant + SearchKernels.dotSQ8(vector, row, dimension))
        case (_, _):
            return SearchKernels.squaredDistanceSQ8(
                vector, slot.pointee.view.refine.coarseStep, row, dimension)
        }
    }

    /// The distance by a whole row, for the inner product.
    private func fineDistance(_ candidate: RerankCandidate) -> Float {
        let slot = query.memory.pointee.offer.slots.base + candidate.slot
        guard let high = candidate.bytes else { return candidate.distance }
        let dimension = query.memory.pointee.form.dimension
        let vector = rerank.memory.pointee.queries.base + slot.pointee.rerankQuery + dimension
        return
            -(slot.pointee.rerankConstant
            + SearchKernels.dotSQ16(vector, high, high + dimension, dimension))
    }

    /// Prepares the query for the rows of a slot's shard: once for coarse parts, once for whole
    /// rows.
    private func prepare(_ slot: UnsafeMutablePointer<Slot>) {
        guard slot.pointee.rerankQuery < 0 else { return }
        let memory = rerank.memory
        let dimension = query.memory.pointee.form.dimension
        let place = memory.pointee.queryCount
        memory.pointee.queryCount = place + 2 * dimension
        memory.pointee.queries.reserve(place + 2 * dimension, keeping: place)
        let scale = slot.pointee.view.refine
        let coarse = memory.pointee.queries.base + place
        slot.pointee.rerankQuery = place
        guard scale.encoding.isScalar else {
            return coarse.update(from: query.memory.pointee.form.vector.base, count: dimension)
        }
        slot.pointee.coarseConstant = prepare(
            coarse, minimum: scale.coarseMinimum, step: scale.coarseStep)
        guard case .sq16 = scale.encoding else { return }
        slot.pointee.rerankConstant = prepare(
            coarse + dimension, minimum: scale.minimum, step: scale.step)
    }

    /// Takes a scale's minimum off the query, or its step into it for the inner product, whose
    /// constant part it returns.
    private func prepare(
        _ prepared: UnsafeMutablePointer<Float>, minimum: UnsafePointer<Float>,
        step: UnsafePointer<Float>
    ) -> Float {
        let vector = UnsafePointer(query.memory.pointee.form.vector.base)
        let dimension = query.memory.pointee.form.dimension
        guard query.memory.pointee.form.metric.isInnerProduct else {
            for i in 0..<dimension { prepared[i] = vector[i] - minimum[i] }
            return 0
        }
        for i in 0..<dimension { prepared[i] = vector[i] * step[i] }
        return SearchKernels.dot(vector, minimum, dimension)
    }
}

extension RefineEncoding {
    /// Whether rows are steps of a scale.
    fileprivate var isScalar: Bool {
        switch self {
        case .sq8, .sq16: true
        case .f16, .none: false
        }
    }
}
