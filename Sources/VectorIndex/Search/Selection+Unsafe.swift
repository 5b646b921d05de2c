// Picking the smallest of many distances, and sorting the few that are left.
import VectorCore

/// Memory and methods of one selection at a time.
struct Selection: ~Copyable {
    /// Comparing each key with each other pays up to this many keys.
    private static var mostCompared: Int { 192 }

    /// Minima of groups of 16 distances; also free scratch between selections.
    var minima = ScratchBuffer<Float>()
    var keys = ScratchBuffer<UInt64>()
    /// Indices and values selected last, in the order they lie in.
    private(set) var indices = ScratchBuffer<UInt32>()
    private(set) var values = ScratchBuffer<Float>()
    /// Keys in ascending order after ``sortKeys(_:)``.
    var sorted = ScratchBuffer<UInt64>()

    /// Selects the values of at most `limit`; returns how many.
    mutating func select(_ all: UnsafePointer<Float>, count: Int, within limit: Float) -> Int {
        indices.reserve(count + 16)
        values.reserve(count + 16)
        return SearchKernels.selectBelow(
            all, count: count, threshold: limit, indices: indices.base, selected: values.base)
    }

    /// Selects the `wanted` smallest of the values of at most `limit`, in the order they lie in;
    /// returns how many there are.
    ///
    /// - Parameter place: orders equal values by what an index stands for.
    mutating func selectSmallest(
        _ wanted: Int, of all: UnsafePointer<Float>, count: Int, within limit: Float,
        place: (Int) -> UInt64 = { UInt64($0) }
    ) -> Int {
        let within = select(all, count: count, within: limit)
        guard within > wanted, wanted > 0 else { return min(within, wanted) }
        let last = SearchKernels.smallest(values.base, count: within, place: wanted)
        // Selecting once more costs less than a pass over what is selected.
        let kept = select(all, count: count, within: last)
        return kept > wanted ? dropEqual(last, kept, excess: kept - wanted, place) : kept
    }

    /// Drops `excess` of the values that equal `last`: those last by their places.
    private mutating func dropEqual(
        _ last: Float, _ count: Int, excess: Int, _ place: (Int) -> UInt64
    ) -> Int {
        keys.reserve(count)
        var equal = 0
        for index in 0..<count where values.base[index] == last {
            keys.base[equal] = place(Int(indices.base[index]))
            equal += 1
        }
        sortKeys(equal)
        let limit = sorted.base[equal - excess - 1]
        var kept = 0
        for index in 0..<count {
            let value = values.base[index]
            let number = indices.base[index]
            if value == last, place(Int(number)) > limit { continue }
            indices.base[kept] = number
            values.base[kept] = value
            kept += 1
        }
        return kept
    }

    /// Replaces the selection by `count` indices.
    mutating func reserveIndices(_ count: Int) { indices.reserve(count) }

    /// Sorts what is selected into ``sorted``; the keys' numbers are the indices.
    mutating func sortSelected(_ count: Int) {
        keys.reserve(count)
        for index in 0..<count {
            keys.base[index] = DistanceKey.make(values.base[index], Int(indices.base[index]))
        }
        sortKeys(count)
    }

    /// Brings the first `count` keys in ascending order into ``sorted``.
    mutating func sortKeys(_ count: Int) {
        sorted.reserve(count)
        guard count > Self.mostCompared else {
            return SearchKernels.sort(keys.base, count: count, wanted: count, into: sorted.base)
        }
        sorted.base.update(from: keys.base, count: count)
        DistanceKey.sort(sorted.base, count)
    }

    /// A distance that at least `wanted` of the distances are within: the wanted-th smallest of the
    /// minima of groups of 16.
    mutating func bound(_ distances: UnsafePointer<Float>, count: Int, wanted: Int) -> Float {
        let groups = count / 16
        guard groups >= wanted, wanted > 0 else { return .greatestFiniteMagnitude }
        minima.reserve(groups)
        SearchKernels.groupMinima(distances, groups: groups, into: minima.base)
        // The centroids that fill up a group are infinitely far.
        return min(
            .greatestFiniteMagnitude,
            SearchKernels.smallest(minima.base, count: groups, place: wanted))
    }
}
