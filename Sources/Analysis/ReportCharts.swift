// The charts of a report's page.
import Foundation
import Reporting

extension Report {
    private static let width = 640.0

    /// Recall on the x axis, queries per second on a logarithmic y axis.
    var curveChart: String? {
        guard curve.count > 1 else { return nil }
        let rates = curve.map { log10(max($0.queriesPerSecond, 1e-3)) }
        let floor = (curve.map(\.low).min() ?? 0) * 20
        var drawing = Drawing(width: Self.width, height: 300)
        let x = Axis(low: max(0, floor.rounded(.down) / 20), high: 1, start: 64, end: 620)
        let y = Axis(
            low: (rates.min() ?? 0) - 0.1, high: (rates.max() ?? 1) + 0.1, start: 256, end: 28)
        for tick in x.ticks(6) {
            drawing.line(x(tick), y.start, x(tick), y.end)
            drawing.text(Wording.fixed(tick, 2), x(tick), 274)
        }
        for tick in Self.logTicks(y) {
            drawing.line(x.start, y(tick), x.end, y(tick))
            drawing.text(Wording.grouped(pow(10, tick)), 56, y(tick) + 4, "end")
        }
        let places = zip(curve, rates).map { point, rate in (x: x(point.recall), y: y(rate)) }
        drawing.path(places, "curve")
        for (point, place) in zip(curve, places) {
            drawing.line(x(point.low), place.y, x(point.high), place.y, "error")
            drawing.circle(
                place.x, place.y, 4,
                title: "nprobe \(point.nprobe), refine \(point.refineDepth): recall "
                    + "\(Wording.fixed(point.recall, 4)), \(Wording.grouped(point.queriesPerSecond)) queries/s"
            )
        }
        drawing.text("recall@\(settings.k)", (x.start + x.end) / 2, 294)
        drawing.text("queries/s", 8, 12, "start")
        return drawing.svg("recall against queries a second")
    }

    /// Ticks of a logarithmic axis: 1, 2 and 5 times each power of ten, or the powers alone if
    /// those are too many.
    private static func logTicks(_ axis: Axis) -> [Double] {
        let powers = Int(axis.low.rounded(.down))...Int(axis.high.rounded(.up))
        let span = axis.high - axis.low
        let factors = span > 2 ? [1.0] : span > 0.8 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8]
        return powers.flatMap { power in factors.map { Double(power) + log10($0) } }
            .filter { (axis.low...axis.high).contains($0) }
    }

    /// Latencies of the open loop, in buckets of growing width.
    var latencyChart: String? {
        guard let load = openLoop ?? closedLoop, let last = load.histogram.last,
            let first = load.histogram.first, load.queries > 0
        else { return nil }
        var drawing = Drawing(width: Self.width, height: 280)
        let x = Axis(
            low: log10(first.microseconds) - 0.1, high: log10(last.microseconds) + 0.02, start: 64,
            end: 620)
        let most = Double(load.histogram.map(\.queries).max() ?? 1)
        let y = Axis(low: 0, high: 100 * most / Double(load.queries), start: 232, end: 28)
        for tick in y.ticks(4) {
            drawing.line(x.start, y(tick), x.end, y(tick))
            drawing.text(
                "\(Wording.fixed(tick, tick == tick.rounded() ? 0 : 1))%", 56, y(tick) + 4, "end")
        }
        let step = log10(2.0) / 4
        for bucket in load.histogram where bucket.queries > 0 {
            let right = log10(bucket.microseconds)
            let share = 100 * Double(bucket.queries) / Double(load.queries)
            // One query in a hundred thousand has to stay visible.
            let height = max(1.5, y.start - y(share))
            drawing.rectangle(
                x(right - step) + 0.5, y.start - height, x(right) - x(right - step) - 1, height,
                "bar",
                title:
                    "up to \(Wording.time(microseconds: bucket.microseconds)): \(bucket.queries) queries"
            )
        }
        for tick in Self.logTicks(x) {
            drawing.line(x(tick), y.start, x(tick), y.start + 4, "axis")
            drawing.text(
                Wording.time(microseconds: pow(10, tick)), x(tick), 250,
                x(tick) > 596 ? "end" : "middle")
        }
        var lastEnd = -1000.0
        for (name, value) in [
            ("p50", load.p50Microseconds), ("p99", load.p99Microseconds),
            ("p99.9", load.p999Microseconds),
        ] {
            let place = x(log10(max(value, 1)))
            drawing.line(place, y.start, place, 22, "mark")
            // Labels too close to each other would be unreadable; the table has them all.
            guard place - lastEnd > 34 else { continue }
            drawing.text(name, place, 16)
            lastEnd = place
        }
        drawing.text("latency", (x.start + x.end) / 2, 272)
        drawing.text("queries", 8, 12, "start")
        return drawing.svg("histogram of latencies")
    }

    /// One bar per shard, or a histogram if there are too many shards.
    var shardChart: String? {
        guard !cells.isEmpty else { return nil }
        var drawing = Drawing(width: Self.width, height: 220)
        let single = cells.count <= 128
        let bars = single ? cells.map { Double($0.vectors) } : sizeHistogram(bins: 40)
        let y = Axis(low: 0, high: (bars.max() ?? 1) * 1.05, start: 184, end: 24)
        for tick in y.ticks(4) {
            drawing.line(64, y(tick), 620, y(tick))
            drawing.text(Wording.grouped(tick), 56, y(tick) + 4, "end")
        }
        let slot = 556 / Double(bars.count)
        let breadth = min(slot * 0.85, 48)
        for (place, value) in bars.enumerated() {
            drawing.rectangle(
                64 + slot * (Double(place) + 0.5) - breadth / 2, y(value), breadth,
                y.start - y(value), "bar",
                title: single
                    ? "shard \(place): \(Wording.grouped(value)) vectors"
                    : "\(Wording.grouped(value)) shards")
            let every = max(1, (bars.count + 15) / 16)
            if single, place % every == 0 {
                drawing.text("\(place)", 64 + slot * (Double(place) + 0.5), 200)
            }
        }
        if !single {
            let sizes = cells.map { Double($0.vectors) }
            drawing.text(Wording.grouped(sizes.min() ?? 0), 64, 200, "start")
            drawing.text(Wording.grouped(sizes.max() ?? 0), 620, 200, "end")
        }
        drawing.text(single ? "shard" : "vectors of a shard", 342, 216)
        drawing.text(single ? "vectors" : "shards", 8, 12, "start")
        return drawing.svg("sizes of shards")
    }

    private func sizeHistogram(bins: Int) -> [Double] {
        let sizes = cells.map { Double($0.vectors) }
        let (low, high) = (sizes.min() ?? 0, sizes.max() ?? 1)
        var counts = [Double](repeating: 0, count: bins)
        for size in sizes {
            let place = high > low ? Int((size - low) / (high - low) * Double(bins)) : 0
            counts[min(bins - 1, place)] += 1
        }
        return counts
    }

    /// One square per shard, by ordinal; the lower its recall, the stronger its colour.
    var heatMap: String? {
        let measured = cells.compactMap(\.recall)
        guard let worst = measured.min() else { return nil }
        let columns = min(cells.count, max(10, Int(Double(cells.count).squareRoot() * 1.6)))
        let side = min(52, 612 / Double(columns))
        let rows = (cells.count + columns - 1) / columns
        var drawing = Drawing(width: Self.width, height: Double(rows) * side + 60)
        // The scale begins at the lowest recall, but at 0.9 at most, so that noise does not look
        // like a fault.
        let low = min(worst, 0.9)
        for (place, cell) in cells.enumerated() {
            let x = 14 + Double(place % columns) * side
            let y = 8 + Double(place / columns) * side
            let strength = cell.recall.map { (1 - $0) / (1 - low) }
            let fill = strength.map {
                "color-mix(in srgb, var(--hot) \(Int(($0 * 100).rounded()))%, var(--cool))"
            }
            let found = cell.recall.map { Wording.fixed($0, 3) } ?? "no queries"
            drawing.rectangle(
                x + 1, y + 1, side - 2, side - 2, fill == nil ? "empty" : "cell", fill: fill,
                title: "shard \(cell.shard): \(found), \(cell.queries) queries")
            if side >= 34, let recall = cell.recall {
                drawing.text(
                    Wording.fixed(recall, 2), x + side / 2, y + side / 2 + 4,
                    style: (strength ?? 0) > 0.5 ? "onhot" : "oncool")
            }
        }
        let base = Double(rows) * side + 22
        for step in 0..<40 {
            drawing.rectangle(
                14 + Double(step) * 5, base, 5.4, 12, "cell",
                fill: "color-mix(in srgb, var(--hot) \(100 - step * 100 / 39)%, var(--cool))")
        }
        drawing.text(Wording.fixed(low, 2), 14, base + 28, "start")
        drawing.text("1.00", 216, base + 28, "end")
        drawing.text("dashed: no query's nearest hit", 236, base + 10, "start")
        return drawing.svg("recall of each cell")
    }
}
