// Processes killed at many moments: the index has its old or its new state, and later commands
// work.
import Foundation
import Glibc
import TestSupport
import Testing
import VectorCore

@Suite(.serialized)
struct KillTests {
    let place: Workplace

    init() throws {
        place = try Workplace()
        try place.write("q.fbin", Matrix.sample(rows: 5, seed: 4))
        try FileManager.default.createDirectory(
            atPath: place.folder.path("scratch"), withIntermediateDirectories: false)
    }

    private func answers() throws -> String {
        try place.mustRun("query", ["--vectors", "q.fbin"]).output
    }

    private func train(_ file: String) -> [String] {
        [
            "--vectors", file, "--shard-size", "100", "--backend", "mock", "--scratch", "scratch",
            // Measuring recall writes nothing to the store, so a short measurement leaves more
            // kills for the rest.
            "--tune-queries", "20",
        ]
    }

    /// Starts a command and kills it after `delay` of the time it needs; returns how it ended.
    private func killed(_ command: String, _ more: [String], after delay: Duration) throws
        -> Outcome
    {
        let program = try place.start(command, more)
        usleep(UInt32(delay / .microseconds(1)))
        program.send(SIGKILL)
        let outcome = program.wait()
        #expect([0, 128 + SIGKILL].contains(outcome.status), "\(outcome.errors)")
        return outcome
    }

    private func time(_ work: () throws -> Void) rethrows -> Duration {
        try ContinuousClock().measure(work)
    }

    @Test func `a killed train leaves the index as it was; the next one works; gc sweeps the rest`()
        throws
    {
        try place.write("base.fbin", Matrix.sample(rows: 500))
        try place.write("next.fbin", Matrix.sample(rows: 4000, seed: 2))
        try place.trainAndPublish("base.fbin")
        let before = try answers()
        let whole = try time { try place.mustRun("train", train("next.fbin")) }
        let rounds = 25
        var kills = 0
        for round in 0..<rounds {
            // Another seed each round, so that no round finds its shards stored already.
            let more = train("next.fbin") + ["--seed", "\(round + 2)"]
            let outcome = try killed("train", more, after: whole * round / rounds)
            kills += outcome.status == 0 ? 0 : 1
            #expect(try place.versions() == [1])
            #expect(try answers() == before)
        }
        #expect(kills > 0)
        // A scratch file has no name from its first byte on.
        for name in try FileManager.default.contentsOfDirectory(
            atPath: place.folder.path("scratch"))
        {
            #expect(
                try Data(contentsOf: URL(filePath: place.folder.path("scratch/\(name)"))).isEmpty)
        }
        try place.trainAndPublish("next.fbin", Array(train("next.fbin").dropFirst(2)))
        #expect(try place.versions() == [1, 2])
        try checkSwept([1, 2])
    }

    /// Collects all unreferenced objects, and checks that no others are left or lost.
    private func checkSwept(_ versions: [Int]) throws {
        try place.mustRun("gc", ["--keep", "1000", "--grace-hours", "0", "--apply"])
        var named: Set<String> = []
        for version in versions {
            named.formUnion(try place.keys(ofVersion: version))
            try place.mustRun("verify", ["--at", "\(version)"])
        }
        let documents = versions.map { number in
            let digits = String(number)
            return "versions/" + String(repeating: "0", count: 10 - digits.count) + digits + ".json"
        }
        #expect(Set(place.storedKeys()) == named.union(documents))
    }

    @Test func `a killed publish leaves the version before or the version after, never a mixture`()
        throws
    {
        let files = ["a.fbin", "b.fbin"]
        var expected: [String: String] = [:]
        var whole = Duration.zero
        for (number, file) in files.enumerated() {
            try place.write(file, Matrix.sample(rows: 3000, seed: UInt64(number + 10)))
            try place.mustRun("train", train(file))
            whole = try time { try place.mustRun("publish") }
            expected[file] = try answers()
        }
        #expect(expected["a.fbin"] != expected["b.fbin"])
        let rounds = 16
        var kills = 0
        for round in 0..<rounds {
            let (new, old) = (files[round % 2], files[(round + 1) % 2])
            let draft = try #require(
                try place.mustRun("train", train(new) + ["--json"]).json["draft"] as? String)
            let outcome = try killed(
                "publish", ["--draft", draft], after: whole * (round + 1) / rounds)
            kills += outcome.status == 0 ? 0 : 1
            let versions = try place.versions()
            let isPublished = versions.count == round + 3
            #expect(isPublished || outcome.status != 0)
            #expect(isPublished || versions.count == round + 2)
            #expect(try answers() == expected[isPublished ? new : old])
            // Once more: the command does what is left to do, or sees that it was done.
            try place.mustRun("publish", ["--draft", draft])
            #expect(try place.versions() == Array(1...round + 3))
            #expect(try answers() == expected[new])
        }
        #expect(kills > 0)
        // Claims of killed publishes stay for a day; here they hold nothing that no version names.
        let claims = place.storedKeys().filter { $0.hasPrefix("claims/") }
        for claim in claims {
            try FileManager.default.removeItem(atPath: place.store + "/photos/" + claim)
        }
        try checkSwept(Array(1...rounds + 2))
    }

    @Test
    func
        `a killed tune leaves the version as it was or adds one with its points; the next finishes`()
        throws
    {
        try place.write("base.fbin", Matrix.sample(rows: 3000))
        try place.mustRun("train", train("base.fbin"))
        try place.mustRun("publish", ["--no-tune"])
        let expected = try answers()
        let content = try place.keys(ofVersion: 1)
        // Other queries each round, so that each has points of its own to keep.
        func more(_ seed: Int) -> [String] { ["--tune-queries", "20", "--seed", "\(seed)"] }
        let whole = try time { try place.mustRun("tune", more(1)) }
        let rounds = 16
        var kills = 0
        for round in 1...rounds {
            // The last three quarters of the time: before that it only loads.
            let share = rounds + 3 * round
            let outcome = try killed("tune", more(round + 1), after: whole * share / (4 * rounds))
            kills += outcome.status == 0 ? 0 : 1
            let versions = try place.versions()
            #expect(versions.count == round + 1 || versions.count == round + 2)
            #expect(outcome.status != 0 || versions.count == round + 2)
            let latest = try place.keys(ofVersion: versions.count)
            #expect(latest.filter(isContent) == content.filter(isContent))
            try place.mustRun("verify")
            #expect(try answers() == expected)
            try place.mustRun("tune", more(round + 1))
            #expect(try place.versions() == Array(1...round + 2))
            #expect(try place.mustRun("inspect").output.contains("with nprobe"))
        }
        #expect(kills > 0)
        for left in place.storedKeys().filter({ $0.hasPrefix("claims/") }) {
            try FileManager.default.removeItem(atPath: place.store + "/photos/" + left)
        }
        try checkSwept(Array(1...rounds + 2))
    }

    /// Whether a key of a version is anything but its query set.
    private func isContent(_ key: String) -> Bool { !key.hasPrefix("queries/") }

    @Test func `a killed gc leaves what it retains whole, and the next one finishes its work`()
        throws
    {
        try place.write("base.fbin", Matrix.sample(rows: 2000))
        let count = 8
        for seed in 1...count {
            try place.trainAndPublish(
                "base.fbin", Array(train("").dropFirst(2)) + ["--seed", "\(seed)"])
        }
        let before = try answers()
        let whole = try time { try place.mustRun("gc", ["--grace-hours", "0"]) }
        for round in 1...count {
            // A version fewer each time, so that each round has tombstones to write and objects to
            // remove.
            let more = ["--keep", "\(count + 1 - round)", "--grace-hours", "0", "--apply"]
            _ = try killed("gc", more, after: whole * round / count)
            let versions =
                try place.mustRun("list", ["--json"]).json["versions"] as? [[String: Any]]
            #expect(versions?.count == count)
            let living = (versions ?? []).filter { $0["state"] as? String == "published" }
            #expect(living.count > count - round)
            for version in living.compactMap({ $0["version"] as? Int }) {
                try place.mustRun("verify", ["--at", "\(version)"])
            }
            #expect(try answers() == before)
        }
        try place.mustRun("gc", ["--keep", "1", "--grace-hours", "0", "--apply"])
        let kept = try place.keys(ofVersion: count)
        #expect(Set(place.storedKeys().filter { $0.hasSuffix(".tsr") }) == kept)
    }
}
