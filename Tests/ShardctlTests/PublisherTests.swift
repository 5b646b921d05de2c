// Several publishers at once: each number has one winner, and the others learn which.
import Foundation
import Glibc
import TestSupport
import Testing
import VectorCore

@Suite(.serialized)
struct PublisherTests {
    let place: Workplace

    init() throws {
        place = try Workplace()
        try place.write("base.fbin", Matrix.sample(rows: 3000))
    }

    private func draft(seed: Int) throws -> String {
        let train = try place.mustRun(
            "train",
            [
                "--vectors", "base.fbin", "--seed", "\(seed)", "--shard-size", "100",
                "--tune-queries", "20", "--json",
            ])
        return try #require(train.json["draft"] as? String)
    }

    @Test func `publishers at the same time: one version each, losers are told and may try again`()
        throws
    {
        var waiting = try (1...5).map { try draft(seed: $0) }
        let drafts = waiting
        var winners: [String] = []
        while !waiting.isEmpty {
            let running = try waiting.map { ($0, try place.start("publish", ["--draft", $0])) }
            var losers: [String] = []
            for (draft, program) in running {
                let outcome = program.wait()
                guard outcome.status != 0 else {
                    winners.append(draft)
                    continue
                }
                expectComplaint(outcome, status: 75, says: ["'photos'", "was taken by draft "])
                losers.append(draft)
            }
            #expect(losers.count < waiting.count, "one writer always wins")
            guard losers.count < waiting.count else { return }
            waiting = losers
        }
        #expect(winners.sorted() == drafts.sorted())
        try checkHistory(drafts)
    }

    @Test func `a publisher that stalls before its version is beaten, and told by whom`() throws {
        var drafts: [String] = []
        // A publisher that was not stopped in time has published: try again with the next draft.
        for seed in 1...10 {
            drafts.append(try draft(seed: seed))
            let slow = try stopped(publishing: drafts[seed - 1])
            guard try place.versions().count == seed else {
                drafts.append(try draft(seed: 100))
                try checkBeaten(slow, by: drafts[seed], number: seed)
                try place.mustRun("publish", ["--draft", drafts[seed - 1]])
                return try checkHistory(drafts)
            }
            slow.send(SIGCONT)
            #expect(slow.wait().status == 0)
        }
        Issue.record("no publisher could be stopped between its claim and its version")
    }

    /// Publishes another draft while `slow` is stopped, then lets it go on.
    private func checkBeaten(_ slow: Program, by draft: String, number: Int) throws {
        try place.mustRun("publish", ["--draft", draft])
        slow.send(SIGCONT)
        expectComplaint(
            slow.wait(), status: 75,
            says: ["version \(number) ", "was taken by draft \(draft)", "version \(number + 1)"])
        #expect(try place.versions().count == number)
    }

    /// A publisher that was stopped as soon as it had a claim or a version.
    private func stopped(publishing draft: String) throws -> Program {
        let before = visible
        let program = try place.start("publish", ["--draft", draft])
        for _ in 0..<100_000 {
            guard visible == before else { break }
            usleep(50)
        }
        program.send(SIGSTOP)
        return program
    }

    /// The existing claims and versions.
    private var visible: [String] {
        ["claims", "versions"].flatMap { folder in
            let path = place.store + "/photos/" + folder
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            return names.filter { !$0.hasPrefix(".") }.sorted()
        }
    }

    /// Every draft is exactly one version, and every version is sound.
    private func checkHistory(_ drafts: [String]) throws {
        let versions = try place.versions()
        #expect(versions == Array(1...drafts.count))
        var published: [String] = []
        for version in versions {
            try place.mustRun("verify", ["--at", "\(version)"])
            let manifest = try place.mustRun("inspect", ["--at", "\(version)", "--json"]).json
            published.append(manifest["draft"] as? String ?? "none")
        }
        #expect(published.sorted() == drafts.sorted())
        #expect(try place.mustRun("list", ["--json"]).json["drafts"] as? [String] == [])
    }
}
