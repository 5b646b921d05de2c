// For a search whose lists were chosen elsewhere: the same steps without ranking.
package import VectorCore

extension QueryRun {
    /// Starts a query whose form in the quantizer's dimension is known.
    ///
    /// - Parameters:
    ///   - query: `[dimension]`, as the user gave it.
    ///   - transformed: `[paddedDimension]`; the query itself is padded where it is nil.
    package mutating func begin(
        _ query: ArraySlice<Float>, transformed: ArraySlice<Float>?, paddedDimension: Int,
        metric: Metric
    ) {
        precondition(
            !query.isEmpty && paddedDimension >= (transformed ?? query).count,
            "a query has dimensions, and not more than there is room for")
        self.metric = metric
        dimension = query.count
        self.paddedDimension = paddedDimension
        self.query.reserve(dimension)
        self.transformed.reserve(paddedDimension)
        for (place, value) in query.enumerated() { self.query.base[place] = value }
        let source = transformed ?? query
        for (place, value) in source.enumerated() { self.transformed.base[place] = value }
        for place in source.count..<paddedDimension { self.transformed.base[place] = 0 }
        slotCount = 0
        listEnd = 0
        probeCount = 0
    }

    /// Takes the lists to scan, in this order, instead of ``chooseLists(_:margin:)``.
    ///
    /// - Precondition: slots are those ``offer(_:)`` returned, list numbers in range of their shards.
    package mutating func takeLists(_ chosen: [(slot: Int, list: Int)]) {
        probes.reserve(chosen.count)
        for (place, probe) in chosen.enumerated() {
            precondition(probe.slot >= 0 && probe.slot < slotCount, "no such shard was offered")
            let slot = slots.base + probe.slot
            let distance = slot.pointee.view.centroids.distance(
                slot.pointee.local, centroid: probe.list)
            probes.base[place] = Probe(slot: probe.slot, list: probe.list, distance: distance)
        }
        probeCount = chosen.count
    }
}
