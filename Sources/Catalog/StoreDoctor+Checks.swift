// The doctor's checks, one function each.
import Foundation
import ObjectStore
import TesseraBase

extension StoreDoctor {
    /// Whether anything can be written at all.
    func credentials() async throws(TesseraError) -> Finding {
        try await store.put(key("hello"), Array("hello".utf8))
        return .fine("may write to \(store.address)")
    }

    func readAfterWrite() async throws(TesseraError) -> Finding {
        let name = key("read-after-write")
        for round in 0..<8 {
            let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ round) }
            try await store.put(name, bytes)
            let back = try await store.get(name)
            guard ContentDigest(of: back) == ContentDigest(of: bytes) else {
                return .wrong(
                    "round \(round): what was read is not what had just been written (\(back.count) bytes)"
                )
            }
        }
        try await store.delete(name)
        guard try await store.head(name) == nil else {
            return .wrong("a deleted object is still there")
        }
        return .fine("8 overwrites read back at once, digests equal; a delete is seen at once")
    }

    func clockSkew() async throws(TesseraError) -> Finding {
        let before = clock.now()
        try await store.put(key("clock"), [1])
        guard let info = try await store.head(key("clock")) else {
            return .wrong("an object just written is not there")
        }
        // Stores keep whole seconds.
        let skew = info.modified.timeIntervalSince(before.addingTimeInterval(-0.5))
        let seconds = Int(abs(skew).rounded())
        let way = skew > 0 ? "ahead of" : "behind"
        if abs(skew) > Self.largestSkew {
            return .wrong(
                "the store's clock is \(seconds) s \(way) this machine's: gc would misjudge ages, and signed requests fail; set the clock (NTP)"
            )
        }
        if abs(skew) > Self.worrySkew {
            return .worrying(
                "the store's clock is \(seconds) s \(way) this machine's; set the clock (NTP)")
        }
        return .fine("within \(max(1, seconds)) s of this machine's")
    }

    func ranges() async throws(TesseraError) -> Finding {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 256 &+ $0) }
        try await store.put(key("ranges"), bytes)
        for range in [0..<1, 99_999..<100_000, 1_000..<70_000, 0..<100_000] as [Range<UInt64>] {
            let part = try await store.get(key("ranges"), range: range)
            guard part == Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)]) else {
                return .wrong(
                    "bytes \(range.lowerBound) to \(range.upperBound) came back as \(part.count) other bytes"
                )
            }
        }
        do throws(TesseraError) {
            let past = try await store.get(key("ranges"), range: 99_000..<100_001)
            return .wrong("a range past the end gave \(past.count) bytes instead of an error")
        } catch {
            guard error.code == .invalidArgument else { throw error }
        }
        return .fine("4 ranges exact; one past the end is refused")
    }

    func listing() async throws(TesseraError) -> Finding {
        let names = ["a-b", "a.b", "a/b", "a_b", "b/1", "b/10", "b/2", "z"]
        for name in names.reversed() { try await store.put(key("list/\(name)"), [0]) }
        let listed = try await store.list(prefix: key("list/")).map(\.key)
        let wanted = names.map { key("list/\($0)") }.sorted()
        guard Set(listed) == Set(wanted) else {
            return .wrong("\(wanted.count) objects just written, \(Set(listed).count) listed")
        }
        guard listed == wanted else { return .wrong("keys are not listed in ascending order") }
        let part = try await store.list(prefix: key("list/b/")).count
        guard part == 3 else { return .wrong("a prefix with 3 objects listed \(part)") }
        return .fine("\(names.count) objects listed at once, in ascending order")
    }

    func putIfAbsent() async throws(TesseraError) -> Finding {
        let name = key("absent")
        guard try await store.create(name, [1]) else {
            return .wrong("there was no object, but the create was refused")
        }
        if try await store.create(name, [2]) {
            return .wrong(
                "a create over an existing object succeeded: the store ignores the condition (If-None-Match), and two publishers would overwrite each other"
            )
        }
        guard try await store.get(name) == [1] else {
            return .wrong("a refused create changed the object")
        }
        return .fine("an existing object is never overwritten")
    }

    func race() async throws(TesseraError) -> Finding {
        for round in 0..<rounds {
            let name = key("race/\(round)")
            let wins = try await mapConcurrently(Array(0..<Self.writers), width: Self.writers) {
                [store] writer async throws(TesseraError) in
                try await store.create(name, [UInt8](repeating: UInt8(writer), count: 1000))
            }
            let winners = wins.indices.filter { wins[$0] }
            guard winners.count == 1 else {
                return .wrong(
                    "round \(round): \(winners.count) of \(Self.writers) racing writers were told they won; versions could be lost"
                )
            }
            let kept = try await store.get(name)
            guard kept == [UInt8](repeating: UInt8(winners[0]), count: 1000) else {
                return .wrong("round \(round): the object is not what its winner wrote")
            }
        }
        return .fine("exactly one winner in each of \(rounds) rounds")
    }

    /// Round trips and bandwidth; a store that fails here has failed a check already.
    func measure(_ report: inout StoreReport) async {
        do throws(TesseraError) {
            var times: [Double] = []
            for _ in 0..<20 {
                times.append(
                    try await timed { () async throws(TesseraError) in
                        _ = try await store.get(key("hello"))
                    } * 1000)
            }
            report.roundTripMilliseconds = times.sorted()[times.count / 2]
            let megabytes = Double(bandwidthBytes) / 1e6
            let bytes = [UInt8](repeating: 7, count: bandwidthBytes)
            let big = key("bandwidth")
            report.writeMegabytesPerSecond =
                megabytes
                / (try await timed { () async throws(TesseraError) in
                    try await store.put(big, bytes)
                })
            let copies = Array(0..<2 * Self.inFlight)
            let whole = try await timed { () async throws(TesseraError) in
                _ = try await mapConcurrently(copies, width: Self.inFlight) {
                    [store] _ async throws(TesseraError) in try await store.get(big).count
                }
            }
            report.readMegabytesPerSecond = megabytes * Double(copies.count) / whole
            let offsets = (0..<Self.rangeReads).map { UInt64($0 * 7919 % (bandwidthBytes - 512)) }
            let ranges = try await timed { () async throws(TesseraError) in
                _ = try await mapConcurrently(offsets, width: Self.inFlight) {
                    [store] offset async throws(TesseraError) in
                    try await store.get(big, range: offset..<offset + 512).count
                }
            }
            report.rangeReadsPerSecond = Double(offsets.count) / ranges
        } catch {
            report.checks.append(
                StoreCheck(name: "speed", outcome: .failed, detail: error.description))
        }
    }

    private func timed(_ body: () async throws(TesseraError) -> Void) async throws(TesseraError)
        -> Double
    {
        let watch = Stopwatch()
        try await body()
        return max(watch.elapsed.seconds, 1e-9)
    }
}
