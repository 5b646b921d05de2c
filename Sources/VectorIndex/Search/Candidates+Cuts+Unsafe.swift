// Re-ranking a leaf request whose candidates are cut later, together with those of its query's
// others.
import VectorCore

extension Candidates {
    /// Answers with whatever is among the `k` nearest for some cut of the candidates by their
    /// codes, and with the ``CutEstimates`` that it takes to cut.
    package consuming func refineForCuts(k: Int) -> Nearest {
        query.memory.pointee.nearest.removeAll(keepingCapacity: true)
        query.memory.pointee.cuts.nearest.removeAll(keepingCapacity: true)
        sortEstimates()
        guard count > 0 else { return Nearest(consume self) }
        let memory = rerank.memory
        let encoding = compareRows()
        for index in 0..<count {
            memory.pointee.selection.keys.base[index] = DistanceKey.make(
                memory.pointee.distances.base[index], index)
        }
        memory.pointee.selection.sortKeys(count)
        var left = count
        if case .sq16 = encoding {
            left = selectSkyband(Self.fineDepth(k: k))
            prefetchFine(left)
            compareWholeRows(left)
            memory.pointee.selection.sortKeys(left)
        }
        answerSkyband(of: left, k: k)
        return Nearest(consume self)
    }

    /// Brings the candidates' distances by their codes in order. The keys are free afterwards.
    private func sortEstimates() {
        let memory = rerank.memory
        memory.pointee.selection.keys.reserve(count)
        for index in 0..<count {
            memory.pointee.selection.keys.base[index] = DistanceKey.make(
                memory.pointee.candidates.base[index].distance, index)
        }
        memory.pointee.selection.sortKeys(count)
        query.memory.pointee.cuts.candidates.removeAll(keepingCapacity: true)
        for index in 0..<count {
            query.memory.pointee.cuts.candidates.append(
                DistanceKey.distance(memory.pointee.selection.sorted.base[index]))
        }
    }

    /// Selects the candidates worth a comparison by their whole rows wherever they are cut; returns
    /// how many.
    private func selectSkyband(_ wanted: Int) -> Int {
        let memory = rerank.memory
        memory.pointee.selection.reserveIndices(count)
        var skyband = Skyband(k: wanted)
        var kept = 0
        for index in 0..<count {
            let number = DistanceKey.number(memory.pointee.selection.sorted.base[index])
            guard skyband.takes(memory.pointee.candidates.base[number].distance) else { continue }
            memory.pointee.selection.indices.base[kept] = UInt32(truncatingIfNeeded: number)
            kept += 1
        }
        return kept
    }

    /// Brings what the first `count` sorted keys have of the skyband, ties to the lower place.
    private func answerSkyband(of count: Int, k: Int) {
        putTiesInOrder(count)
        let (memory, answer) = (rerank.memory, query.memory)
        var skyband = Skyband(k: k)
        for index in 0..<count {
            let key = memory.pointee.selection.sorted.base[index]
            let number = DistanceKey.number(key)
            let estimate = memory.pointee.candidates.base[number].distance
            guard skyband.takes(estimate) else { continue }
            answer.pointee.nearest.append(
                Candidate(distance: DistanceKey.distance(key), id: unchecked(number).rawValue))
            answer.pointee.cuts.nearest.append(estimate)
        }
    }

    /// Puts equal distances in the order of their places.
    private func putTiesInOrder(_ count: Int) {
        let sorted = rerank.memory.pointee.selection.sorted.base
        var first = 0
        while first < count {
            let distance = DistanceKey.distance(sorted[first])
            var end = first + 1
            while end < count, DistanceKey.distance(sorted[end]) == distance { end += 1 }
            if end > first + 1 { orderByPlace(first..<end, distance) }
            first = end
        }
    }
}
