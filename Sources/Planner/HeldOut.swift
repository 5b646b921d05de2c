// The error of the planner: laws fitted to all scales but the largest predict that one, and the
// prediction is compared with its measurement.
import Catalog
import Foundation
import Indexer
import Reporting
package import TesseraBase
import VectorCore

/// A predicted quantity and its measurement.
package struct HeldOutLine: Sendable, Equatable, Codable {
    package var quantity: String
    /// The search parameters it belongs to; empty if it belongs to none.
    package var way: String
    package var predicted: Double
    package var measured: Double
    /// Predicted minus measured for recall; relative to the measurement for everything else.
    package var error: Double
    package var unit: Unit

    /// The unit of a quantity.
    package enum Unit: String, Sendable, Codable {
        case count
        case bytes
        case microseconds
        case seconds
        /// Recall, whose error is a difference.
        case recall
    }

    init(
        _ quantity: String, _ way: String = "", _ predicted: Double, _ measured: Double,
        _ unit: Unit
    ) {
        (self.quantity, self.way, self.unit) = (quantity, way, unit)
        (self.predicted, self.measured) = (predicted, measured)
        error = unit == .recall ? predicted - measured : predicted / measured - 1
    }
}

/// Routing time, measured on synthetic routers.
package struct Routing: Sendable {
    /// Most centroids that are measured; beyond that, time grows in proportion.
    private static let most = 65_536

    let prober: MachineProber
    let sample: Matrix

    /// Microseconds by which routing over `shards` takes longer than over `before`.
    package func growth(
        from before: Int, to shards: Int, lists: Int, offered: Int
    ) async throws(TesseraError) -> Double {
        let few = try await time(before, lists, offered)
        let many = try await time(min(shards, Self.most), lists, offered)
        return max(0, many * max(1, Double(shards) / Double(Self.most)) - few)
    }

    private func time(_ shards: Int, _ lists: Int, _ offered: Int) async throws(TesseraError)
        -> Double
    {
        try await prober.routing(
            sample, shards: shards, lists: lists, offered: min(shards, max(1, offered)))
    }
}

/// Build time: assignment compares every vector with every cell's centroid, and everything else
/// grows with the number of vectors.
struct BuildModel: Sendable {
    let assignNanoseconds: Double
    let dimension: Int
    let threads: Int
    /// Seconds per vector of the other work on one thread; a shard is built on one thread.
    private let restSeconds: Double
    private let publishSeconds: Double

    /// Fits the model.
    ///
    /// - Parameter build: the largest build that was timed.
    init(_ build: BuildTime, probe: MachineProbe, dimension: Int, cells: Int) {
        assignNanoseconds = probe.assignNanoseconds
        (self.dimension, threads) = (dimension, probe.threads)
        let known = Self.cellSeconds(
            Double(build.vectors), cells, probe.assignNanoseconds, dimension, probe.threads)
        let busy = Double(min(threads, cells))
        restSeconds = max(0, build.trainSeconds - known) * busy / Double(build.vectors)
        publishSeconds = build.publishSeconds / Double(build.vectors)
    }

    /// Predicted seconds of training and publishing `vectors` in `cells`.
    func seconds(_ vectors: Int, cells: Int) -> (train: Double, publish: Double) {
        let count = Double(vectors)
        return (
            restSeconds * count / Double(min(threads, cells))
                + Self.cellSeconds(count, cells, assignNanoseconds, dimension, threads),
            publishSeconds * count
        )
    }

    /// Seconds to train the cells on one thread and to assign all vectors on all threads.
    private static func cellSeconds(
        _ vectors: Double, _ cells: Int, _ nanoseconds: Double, _ dimension: Int, _ threads: Int
    ) -> Double {
        guard cells > 1 else { return 0 }
        let sample = min(
            vectors, Double(PartitionTrainer.sampleSize(cells: cells, dimension: dimension)))
        let passes = Double(PartitionTrainer.iterations + 1)
        let pair = nanoseconds * 1e-9
        return Double(cells) * pair * (sample * passes + vectors / Double(threads))
    }
}

/// Predicts the largest scale.
struct HeldOut: Sendable {
    private static let recalls = [0.9, 0.95, 0.98, 0.99]

    let scales: [Scale]
    let builds: [BuildTime]
    let shardSize: Int
    let probe: MachineProbe
    let dimension: Int
    let rowsInMemory: Bool
    let routing: Routing
    let measurer: ScaleMeasurer
    let thinner: ScaleThinner

    func lines(
        smaller: TimeProbe, largest: TimeProbe, budget: Double
    ) async throws(TesseraError) -> [HeldOutLine] {
        let last = scales[scales.count - 1]
        let fewer = Array(scales.dropLast())
        let growth = GrowthModel(
            fewer, shardSize: shardSize,
            thinned: try await thinner.measure(beyond: fewer, upTo: last.vectors))
        let cut = growth.cut(last.vectors)
        let predicted = growth.footprint(cut)
        let held = memory(predicted)
        var lines = [
            HeldOutLine("shards", "", Double(cut.shards), Double(last.shards), .count),
            HeldOutLine("lists", "", Double(cut.lists), Double(last.lists), .count),
            HeldOutLine("memory", "", held, memory(last.footprint), .bytes),
            HeldOutLine("disk", "", predicted.stored, last.footprint.stored, .bytes),
        ]
        if builds.count == scales.count, let build = builds.last {
            let model = BuildModel(
                builds[builds.count - 2], probe: probe, dimension: dimension,
                cells: scales[scales.count - 2].shards)
            let time = model.seconds(last.vectors, cells: cut.shards)
            lines.append(
                HeldOutLine(
                    "build", "", time.train + time.publish,
                    build.trainSeconds + build.publishSeconds, .seconds))
        }
        let times = try await smaller.model(largest: held, budget: budget)
        var seen: Set<SearchWay> = []
        for (way, wanted) in ways(growth, cut) where seen.insert(way).inserted {
            lines += try await self.lines(
                way, wanted, growth, cut, times, workingSet: held,
                shardsBefore: smaller.loaded.index.shards.count, largest)
        }
        return lines
    }

    private func memory(_ footprint: Footprint) -> Double {
        rowsInMemory ? footprint.held : footprint.codes + footprint.models
    }

    /// The default search, and the cheapest one for each of several recalls.
    private func ways(_ growth: GrowthModel, _ cut: IndexCut) -> [(SearchWay, Double?)] {
        let automatic = SearchWay(
            nprobe: min(cut.nprobe, growth.probeRange.upperBound),
            refineDepth: cut.refineDepth)
        return [(automatic, nil)]
            + Self.recalls.compactMap { recall in
                growth.cheapest(recall: recall, cut).map { ($0, recall) }
            }
    }

    private func lines(
        _ way: SearchWay, _ wanted: Double?, _ growth: GrowthModel, _ cut: IndexCut,
        _ times: TimeModel, workingSet: Double, shardsBefore: Int, _ largest: TimeProbe
    ) async throws(TesseraError) -> [HeldOutLine] {
        let work = growth.work(way, cut)
        let found = try await measurer.point(
            largest.loaded, nprobe: way.nprobe, refineDepth: way.refineDepth)
        let more = try await routing.growth(
            from: shardsBefore, to: cut.shards, lists: way.nprobe, offered: Int(work.offered))
        var lines = [
            HeldOutLine(
                "recall", way.words,
                growth.recall(way, cut),
                found.recall, .recall),
            HeldOutLine("codes scanned", way.words, work.codes, found.work.codes, .count),
            HeldOutLine("shards touched", way.words, work.touched, found.work.touched, .count),
            HeldOutLine(
                "p50", way.words, times.median(work, workingSet: workingSet) + more,
                try await largest.median(nprobe: way.nprobe, refineDepth: way.refineDepth),
                .microseconds),
        ]
        let last = scales[scales.count - 1]
        if let wanted, let needed = last.probes(for: wanted, refineDepth: way.refineDepth) {
            lines.insert(
                HeldOutLine(
                    "nprobe for recall \(Wording.short(wanted))", "refine \(way.refineDepth)",
                    Double(way.nprobe), needed, .count), at: 0)
        }
        return lines
    }
}

extension Scale {
    /// Lists that must be scanned for a recall, interpolated between measured probe counts in
    /// logarithms; nil if no measured one reaches it.
    func probes(for recall: Double, refineDepth: Int) -> Double? {
        let row = points.filter { $0.refineDepth == refineDepth }
        guard let upper = row.firstIndex(where: { $0.recall >= recall }) else { return nil }
        guard upper > 0 else { return Double(row[0].nprobe) }
        let (low, high) = (row[upper - 1], row[upper])
        let share = (recall - low.recall) / (high.recall - low.recall)
        return Double(low.nprobe) * pow(Double(high.nprobe) / Double(low.nprobe), share)
    }
}
