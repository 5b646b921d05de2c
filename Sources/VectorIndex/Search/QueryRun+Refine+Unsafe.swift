// Comparing the candidates by their refine rows: all by the coarse part, the best of them by the whole.
package import VectorCore

extension QueryRun {
    /// Picks the wanted nearest of what the scans found, of equally near ones those in the lower place.
    package mutating func chooseCandidates() {
        let count = selectSmallest(
            wantedCandidates, of: distances.base, count: found, within: threshold.value,
            ties: .found)
        candidates.reserve(count)
        for index in 0..<count {
            let place = Int(selectedIndices.base[index])
            candidates.base[index] = RefineCandidate(
                slot: Int(rowSlots.base[place]), row: Int(rows.base[place]),
                distance: selectedValues.base[index])
        }
        candidateCount = count
        fineCount = 0
        refineQueryCount = 0
    }

    /// The place of what a scan found.
    func foundPlace(_ index: Int) -> UInt64 {
        let slot = slots.base + Int(rowSlots.base[index])
        return NumericID(shard: slot.pointee.view.ordinal, row: Int(rows.base[index])).rawValue
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
        guard candidateCount > 0 else { return true }
        askedRows.reserve(candidateCount)
        var width = 0
        for index in 0..<candidateCount {
            let candidate = candidates.base[index]
            guard let view = (slots.base + candidate.slot).pointee.view.rows else { return false }
            let row = view.row(candidate.row)
            askedRows.base[index] = row
            width = view.coarseWidth
            candidates.base[index].bytes = row
        }
        SearchKernels.prefetch(askedRows.base, count: candidateCount, bytes: width)
        return true
    }

    /// Asks for the coarse parts of the rows of what was found so far and is still within the threshold.
    mutating func askForRows() {
        guard threshold.isKnown, refines else { return }
        let count = select(distances.base, count: found, within: threshold.value)
        askedRows.reserve(count)
        var width = 0
        for index in 0..<count {
            let place = Int(selectedIndices.base[index])
            guard let view = (slots.base + Int(rowSlots.base[place])).pointee.view.rows else {
                return
            }
            width = view.coarseWidth
            askedRows.base[index] = view.row(Int(rows.base[place]))
        }
        SearchKernels.prefetch(askedRows.base, count: count, bytes: width)
    }

    /// Makes room for rows that are brought from elsewhere.
    package mutating func expectRows(of encoding: RefineEncoding) {
        storedRowSize = encoding.rowSize(dimension: dimension)
        rowStore.reserve(candidateCount * storedRowSize)
        for index in 0..<candidateCount {
            candidates.base[index].bytes = UnsafePointer(rowStore.base + index * storedRowSize)
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
        compareCoarsely(k: k)
        compareWhole(k: k)
    }

    /// The first half of ``refine(k:)``: compares by the coarse parts of rows, and asks for what the second half needs.
    package mutating func compareCoarsely(k: Int) {
        refinesFinely = false
        guard candidateCount > 0 else { return }
        if case .sq16 = beginRefining() {
            refinesFinely = true
            fineCount = selectForFine(k)
        }
    }

    /// The second half of ``refine(k:)``.
    package mutating func compareWhole(k: Int) {
        guard !refinesFinely else {
            compareWhole(fineCount)
            return answer(from: fineCount, k: k)
        }
        keys.reserve(candidateCount)
        for index in 0..<candidateCount {
            keys.base[index] = DistanceKey.make(refineDistances.base[index], index)
        }
        answer(from: candidateCount, k: k)
    }

    /// Where one of the ``fineCount`` candidates is that are left after ``compareCoarsely(k:)``.
    package func fineCandidate(_ index: Int) -> NumericID {
        precondition(index >= 0 && index < fineCount, "no such candidate is left")
        return candidate(Int(selectedIndices.base[index]))
    }

    /// Compares all candidates, of which there must be one, by the coarse part of their rows; how they are kept.
    mutating func beginRefining() -> RefineEncoding {
        let encoding = slots.base[candidates.base[0].slot].view.refine.encoding
        refineDistances.reserve(candidateCount)
        for index in 0..<candidateCount { prepare(candidates.base[index].slot) }
        compareRows(encoding)
        return encoding
    }

    /// Candidates compared by whole rows for `k` results: the coarse part confuses near neighbours only.
    static func fineDepth(k: Int) -> Int { 2 * k }

    /// Distances of all candidates by the coarse part of their rows.
    private mutating func compareRows(_ encoding: RefineEncoding) {
        guard !metric.isInnerProduct, encoding.isScalar else {
            for index in 0..<candidateCount {
                refineDistances.base[index] = coarseDistance(candidates.base[index])
            }
            return
        }
        storedRows.reserve(candidateCount)
        for index in 0..<candidateCount {
            let candidate = candidates.base + index
            let slot = slots.base + candidate.pointee.slot
            guard let row = candidate.pointee.bytes else {
                preconditionFailure("every candidate's row is known")
            }
            storedRows.base[index] = StoredRow(
                shifted: refineQueries.base + slot.pointee.refineQuery,
                step: slot.pointee.view.refine.coarseStep, high: row, low: nil)
        }
        SearchKernels.squaredDistances(
            storedRows.base, count: candidateCount, width: dimension, whole: false,
            into: refineDistances.base)
    }

    /// Selects the candidates worth a comparison by their whole rows, and asks for these; returns how many.
    private mutating func selectForFine(_ k: Int) -> Int {
        let best = selectSmallest(
            Self.fineDepth(k: k), of: refineDistances.base, count: candidateCount,
            within: .infinity, ties: .candidates)
        askForFine(best)
        return best
    }

    /// Asks for the fine parts of the rows of the first `count` that are selected.
    mutating func askForFine(_ count: Int) {
        askedRows.reserve(count)
        var asked = 0
        for index in 0..<count {
            let candidate = candidates.base[Int(selectedIndices.base[index])]
            guard let row = candidate.bytes else { continue }
            askedRows.base[asked] = row + dimension
            asked += 1
        }
        SearchKernels.prefetch(askedRows.base, count: asked, bytes: dimension)
    }

    /// Keys of the selected candidates by their whole rows.
    mutating func compareWhole(_ count: Int) {
        keys.reserve(count)
        storedRows.reserve(count)
        for index in 0..<count {
            let number = Int(selectedIndices.base[index])
            let candidate = candidates.base[number]
            guard !metric.isInnerProduct else {
                keys.base[index] = DistanceKey.make(fineDistance(candidate), number)
                continue
            }
            let slot = slots.base + candidate.slot
            guard let row = candidate.bytes else {
                preconditionFailure("every candidate's row is known")
            }
            storedRows.base[index] = StoredRow(
                shifted: refineQueries.base + slot.pointee.refineQuery + dimension,
                step: slot.pointee.view.refine.step, high: row, low: row + dimension)
        }
        guard !metric.isInnerProduct else { return }
        SearchKernels.squaredDistances(
            storedRows.base, count: count, width: dimension, whole: true,
            into: refineDistances.base)
        for index in 0..<count {
            keys.base[index] = DistanceKey.make(
                refineDistances.base[index], Int(selectedIndices.base[index]))
        }
    }

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
        sortKeys(count)
        if count > k { putTiesInOrder(count, k) }
        let kept = min(count, k)
        nearest.removeAll(keepingCapacity: true)
        for index in 0..<kept {
            let key = sortedKeys.base[index]
            nearest.append(
                Candidate(
                    distance: DistanceKey.distance(key),
                    id: candidate(DistanceKey.number(key)).rawValue))
        }
        // A handful, and nearly sorted.
        nearest.sortByInsertion()
    }

    /// Puts equal distances about the k-th place in the order of their places.
    private mutating func putTiesInOrder(_ count: Int, _ k: Int) {
        let last = DistanceKey.distance(sortedKeys.base[k - 1])
        var end = k
        while end < count, DistanceKey.distance(sortedKeys.base[end]) == last { end += 1 }
        guard end > k else { return }
        var first = k - 1
        while first > 0, DistanceKey.distance(sortedKeys.base[first - 1]) == last { first -= 1 }
        orderByPlace(first..<end, last)
    }

    /// Puts sorted keys of one distance in the order of their places.
    mutating func orderByPlace(_ range: Range<Int>, _ distance: Float) {
        var tied = range.map { DistanceKey.number(sortedKeys.base[$0]) }
        tied.sort { candidate($0).rawValue < candidate($1).rawValue }
        for (offset, number) in tied.enumerated() {
            sortedKeys.base[range.lowerBound + offset] = DistanceKey.make(distance, number)
        }
    }

    private mutating func coarseDistance(_ candidate: RefineCandidate) -> Float {
        let slot = slots.base + candidate.slot
        guard let row = candidate.bytes else { return candidate.distance }
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
        guard let high = candidate.bytes else { return candidate.distance }
        let low = high + dimension
        let query = refineQueries.base + slot.pointee.refineQuery + dimension
        return metric.isInnerProduct
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
        guard scale.encoding.isScalar else {
            return coarse.update(from: query.base, count: dimension)
        }
        slots.base[index].coarseConstant = prepare(
            coarse, minimum: scale.coarseMinimum, step: scale.coarseStep)
        guard case .sq16 = scale.encoding else { return }
        slots.base[index].refineConstant = prepare(
            fine, minimum: scale.minimum, step: scale.step)
    }

    /// Takes a scale's minimum off the query, or its step into it for the inner product, whose constant part it returns.
    private func prepare(
        _ prepared: UnsafeMutablePointer<Float>, minimum: UnsafePointer<Float>,
        step: UnsafePointer<Float>
    ) -> Float {
        let (query, dimension) = (UnsafePointer(query.base), dimension)
        guard metric.isInnerProduct else {
            for i in 0..<dimension { prepared[i] = query[i] - minimum[i] }
            return 0
        }
        for i in 0..<dimension { prepared[i] = query[i] * step[i] }
        return SearchKernels.dot(query, minimum, dimension)
    }
}

extension RefineEncoding {
    /// Rows are steps of a scale.
    fileprivate var isScalar: Bool {
        switch self {
        case .sq8, .sq16: true
        case .f16, .none: false
        }
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
