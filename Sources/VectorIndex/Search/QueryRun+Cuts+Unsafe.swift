// Refining a part of a query whose candidates are cut later, together with those of its other parts.
import VectorCore

extension QueryRun {
    /// As ``refine(k:)``, but ``nearest`` has whatever is among the `k` nearest for some cut of the candidates by their
    /// codes, and ``nearestEstimates`` and ``estimates`` what it takes to cut.
    package mutating func refineForCuts(k: Int) {
        nearest.removeAll(keepingCapacity: true)
        nearestEstimates.removeAll(keepingCapacity: true)
        sortEstimates()
        guard candidateCount > 0 else { return }
        let encoding = beginRefining()
        for index in 0..<candidateCount {
            keys.base[index] = DistanceKey.make(refineDistances.base[index], index)
        }
        sortKeys(candidateCount)
        var count = candidateCount
        if case .sq16 = encoding {
            count = selectSkyband(Self.fineDepth(k: k))
            askForFine(count)
            compareWhole(count)
            sortKeys(count)
        }
        answerSkyband(of: count, k: k)
    }

    /// The candidates' distances by their codes, ascending. The keys are free afterwards.
    private mutating func sortEstimates() {
        keys.reserve(candidateCount)
        for index in 0..<candidateCount {
            keys.base[index] = DistanceKey.make(candidates.base[index].distance, index)
        }
        sortKeys(candidateCount)
        estimates.removeAll(keepingCapacity: true)
        for index in 0..<candidateCount {
            estimates.append(DistanceKey.distance(sortedKeys.base[index]))
        }
    }

    /// Selects the candidates worth a comparison by their whole rows wherever they are cut; returns how many.
    private mutating func selectSkyband(_ wanted: Int) -> Int {
        selectedIndices.reserve(candidateCount)
        var skyband = Skyband(k: wanted)
        var count = 0
        for index in 0..<candidateCount {
            let number = DistanceKey.number(sortedKeys.base[index])
            guard skyband.takes(candidates.base[number].distance) else { continue }
            selectedIndices.base[count] = UInt32(truncatingIfNeeded: number)
            count += 1
        }
        return count
    }

    /// Brings what the first `count` sorted keys have of the skyband, ties to the lower place.
    private mutating func answerSkyband(of count: Int, k: Int) {
        putTiesInOrder(count)
        var skyband = Skyband(k: k)
        for index in 0..<count {
            let key = sortedKeys.base[index]
            let number = DistanceKey.number(key)
            let estimate = candidates.base[number].distance
            guard skyband.takes(estimate) else { continue }
            nearest.append(
                Candidate(distance: DistanceKey.distance(key), id: candidate(number).rawValue))
            nearestEstimates.append(estimate)
        }
    }

    /// Puts equal distances in the order of their places.
    private mutating func putTiesInOrder(_ count: Int) {
        var first = 0
        while first < count {
            let distance = DistanceKey.distance(sortedKeys.base[first])
            var end = first + 1
            while end < count, DistanceKey.distance(sortedKeys.base[end]) == distance { end += 1 }
            if end > first + 1 { orderByPlace(first..<end, distance) }
            first = end
        }
    }
}
