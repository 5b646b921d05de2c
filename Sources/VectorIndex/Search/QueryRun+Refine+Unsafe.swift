// Comparing the candidates by their refine rows: all by the coarse part, the best of them by the whole.
package import VectorCore

extension QueryRun {
    /// Picks the wanted nearest of what the scans found.
    package mutating func chooseCandidates() {
        keys.reserve(found)
        var count = 0
        for index in 0..<found where distances.base[index] <= threshold.value {
            keys.base[count] = DistanceKey.make(distances.base[index], index)
            count += 1
        }
        if count > wantedCandidates {
            KeySelection.select(keys.base, count, wanted: wantedCandidates)
            count = wantedCandidates
        }
        candidates.reserve(count)
        for index in 0..<count {
            let place = DistanceKey.number(keys.base[index])
            candidates.base[index] = RefineCandidate(
                slot: Int(rowSlots.base[place]), row: Int(rows.base[place]),
                distance: distances.base[place])
        }
        candidateCount = count
        refineQueryCount = 0
    }

    /// Where a candidate is.
    package func candidate(_ index: Int) -> NumericID {
        precondition(index >= 0 && index < candidateCount, "no such candidate")
        let candidate = candidates.base[index]
        return NumericID(
            shard: (slots.base + candidate.slot).pointee.view.ordinal, row: candidate.row)
    }

    /// Points the candidates at their rows in memory, and asks for these. False where a shard's rows are not there.
    package mutating func findResidentRows() -> Bool {
        for index in 0..<candidateCount {
            let candidate = candidates.base[index]
            guard let planes = (slots.base + candidate.slot).pointee.view.rows else { return false }
            let coarse = planes.coarse + candidate.row * planes.coarseWidth
            SearchKernels.prefetch(coarse, planes.coarseWidth)
            candidates.base[index].coarse = coarse
            candidates.base[index].fine = planes.fine + candidate.row * planes.fineWidth
        }
        return true
    }

    /// Makes room for rows that are brought from elsewhere.
    package mutating func expectRows(of encoding: RefineEncoding) {
        storedRowSize = encoding.rowSize(dimension: dimension)
        rowStore.reserve(candidateCount * storedRowSize)
        let coarse = encoding.coarseWidth(dimension)
        for index in 0..<candidateCount {
            let base = rowStore.base + index * storedRowSize
            candidates.base[index].coarse = UnsafePointer(base)
            candidates.base[index].fine = UnsafePointer(base + coarse)
        }
    }

    /// Keeps a candidate's row: the stored bytes without their checksum.
    package mutating func store(_ row: ArraySlice<UInt8>, candidate: Int) {
        precondition(
            row.count == storedRowSize && candidate < candidateCount, "a whole row expected")
        let target = rowStore.base + candidate * storedRowSize
        for (offset, byte) in row.enumerated() { target[offset] = byte }
    }

    /// Brings the `k` nearest candidates into ``nearest``. Every candidate's row must be known.
    package mutating func refine(k: Int) {
        keys.reserve(candidateCount)
        for index in 0..<candidateCount {
            keys.base[index] = DistanceKey.make(coarseDistance(candidates.base[index]), index)
        }
        guard candidateCount > 0, slots.base[candidates.base[0].slot].view.refine.encoding == .sq16
        else { return answer(from: candidateCount, k: k) }
        let best = min(candidateCount, Self.fineDepth(k: k))
        KeySelection.select(keys.base, candidateCount, wanted: best)
        for index in 0..<best {
            let candidate = candidates.base[DistanceKey.number(keys.base[index])]
            if let fine = candidate.fine { SearchKernels.prefetch(fine, dimension) }
        }
        for index in 0..<best {
            let number = DistanceKey.number(keys.base[index])
            keys.base[index] = DistanceKey.make(fineDistance(candidates.base[number]), number)
        }
        answer(from: best, k: k)
    }

    /// Candidates compared by whole rows for `k` results: the coarse part confuses near neighbours only.
    private static func fineDepth(k: Int) -> Int { 2 * k }

    /// Brings the `k` nearest candidates by their codes into ``nearest``.
    package mutating func unrefined(k: Int) {
        keys.reserve(candidateCount)
        for index in 0..<candidateCount {
            keys.base[index] = DistanceKey.make(candidates.base[index].distance, index)
        }
        answer(from: candidateCount, k: k)
    }

    /// The nearest of the first `count` keys, ties to the lower place.
    private mutating func answer(from count: Int, k: Int) {
        if count > k { selectWithTies(count, k) }
        let kept = min(count, k)
        nearest.removeAll(keepingCapacity: true)
        for index in 0..<kept {
            let key = keys.base[index]
            nearest.append(
                Candidate(
                    distance: DistanceKey.distance(key),
                    id: candidate(DistanceKey.number(key)).rawValue))
        }
        // A handful, and nearly sorted.
        nearest.sortByInsertion()
    }

    /// Moves the `k` nearest keys to the front; of equal distances those with the lower place.
    private mutating func selectWithTies(_ count: Int, _ k: Int) {
        KeySelection.sort(keys.base, count)
        let last = DistanceKey.distance(keys.base[k - 1])
        var end = k
        while end < count, DistanceKey.distance(keys.base[end]) == last { end += 1 }
        guard end > k else { return }
        var first = k - 1
        while first > 0, DistanceKey.distance(keys.base[first - 1]) == last { first -= 1 }
        var tied = (first..<end).map { DistanceKey.number(keys.base[$0]) }
        tied.sort { candidate($0).rawValue < candidate($1).rawValue }
        for (offset, number) in tied.enumerated() {
            keys.base[first + offset] = DistanceKey.make(last, number)
        }
    }

    private mutating func coarseDistance(_ candidate: RefineCandidate) -> Float {
        prepare(candidate.slot)
        let slot = slots.base + candidate.slot
        guard let row = candidate.coarse else { return candidate.distance }
        let query = refineQueries.base + slot.pointee.refineQuery
        switch (slot.pointee.view.refine.encoding, metric) {
        case (.f16, .innerProduct): return -SearchKernels.dotF16(query, row, dimension)
        case (.f16, _): return SearchKernels.squaredDistanceF16(query, row, dimension)
        case (_, .innerProduct):
            return -(slot.pointee.coarseConstant + SearchKernels.dotSQ8(query, row, dimension))
        case (_, _):
            return SearchKernels.squaredDistanceSQ8(
                query, slot.pointee.view.refine.coarseStep, row, dimension)
        }
    }

    private mutating func fineDistance(_ candidate: RefineCandidate) -> Float {
        let slot = slots.base + candidate.slot
        guard let high = candidate.coarse, let low = candidate.fine else {
            return candidate.distance
        }
        let query = refineQueries.base + slot.pointee.refineQuery + dimension
        return metric == .innerProduct
            ? -(slot.pointee.refineConstant + SearchKernels.dotSQ16(query, high, low, dimension))
            : SearchKernels.squaredDistanceSQ16(
                query, slot.pointee.view.refine.step, high, low, dimension)
    }

    /// Makes the query ready for the rows of a slot's shard: once for coarse parts, once for whole rows.
    private mutating func prepare(_ index: Int) {
        guard (slots.base + index).pointee.refineQuery < 0 else { return }
        let place = refineQueryCount
        refineQueryCount += 2 * dimension
        refineQueries.reserve(refineQueryCount, keeping: place)
        let scale = slots.base[index].view.refine
        let (coarse, fine) = (refineQueries.base + place, refineQueries.base + place + dimension)
        slots.base[index].refineQuery = place
        guard scale.encoding == .sq8 || scale.encoding == .sq16 else {
            return coarse.update(from: query.base, count: dimension)
        }
        slots.base[index].coarseConstant = prepare(
            coarse, minimum: scale.coarseMinimum, step: scale.coarseStep)
        guard scale.encoding == .sq16 else { return }
        slots.base[index].refineConstant = prepare(
            fine, minimum: scale.minimum, step: scale.step)
    }

    /// Takes a scale's minimum off the query, or its step into it for the inner product, whose constant part it returns.
    private func prepare(
        _ prepared: UnsafeMutablePointer<Float>, minimum: UnsafePointer<Float>,
        step: UnsafePointer<Float>
    ) -> Float {
        guard metric == .innerProduct else {
            for i in 0..<dimension { prepared[i] = query.base[i] - minimum[i] }
            return 0
        }
        for i in 0..<dimension { prepared[i] = query.base[i] * step[i] }
        return SearchKernels.dot(query.base, minimum, dimension)
    }
}

extension [Candidate] {
    fileprivate mutating func sortByInsertion() {
        guard count <= 64 else { return sort() }
        for index in indices.dropFirst() {
            let candidate = self[index]
            var place = index
            while place > 0, candidate < self[place - 1] {
                self[place] = self[place - 1]
                place -= 1
            }
            self[place] = candidate
        }
    }
}
