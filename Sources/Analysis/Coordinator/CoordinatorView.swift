// What was observed of a coordinator during a run.
import Foundation
import Reporting

/// Counts of the answers, and the server's own statistics.
package struct CoordinatorView: Sendable, Equatable, Codable {
    /// A version, and how many answers came from it.
    package struct Version: Sendable, Equatable, Codable {
        package let version: Int
        package let answers: Int
    }

    /// One stage of the server's requests within its window, which includes requests of other
    /// clients.
    package struct Stage: Sendable, Equatable, Codable {
        package let name: String
        package let requests: Int
        package let p50Milliseconds: Double
        package let p99Milliseconds: Double
    }

    package let url: String
    /// Answers to queries of this run.
    package let answers: Int
    /// The share of answers that cover all shards they should.
    package let completeShare: Double
    /// The mean share of its shards that an answer covers.
    package let meanShare: Double
    /// Versions in the order of their first answer. More than one means that the version changed
    /// during the run.
    package let versions: [Version]
    /// Number of answers by the slowest tier each of them needed.
    package let sources: [String: Int]
    /// Stages in the order of a request; empty if /stats did not answer.
    package let stages: [Stage]
    /// Requests answered with 429 since the run began; nil if /stats did not answer.
    package let refused: Int?

    init(
        url: String, _ counts: AnswerTally.Counts, before: ServerStatsDocument?,
        after: ServerStatsDocument?
    ) {
        let answers = Double(max(1, counts.answers))
        self.url = url
        self.answers = counts.answers
        completeShare = (1 - Double(counts.incomplete) / answers).rounded(to: 5)
        meanShare = counts.answers == 0 ? 1 : (counts.shares / answers).rounded(to: 5)
        versions = counts.versions.map {
            Version(version: $0, answers: counts.byVersion[$0] ?? 0)
        }
        sources = counts.bySource
        stages = Self.order.compactMap { name in
            after?.stages[name].map {
                Stage(
                    name: name, requests: $0.count, p50Milliseconds: $0.p50,
                    p99Milliseconds: $0.p99)
            }
        }
        refused = before.flatMap { before in
            after.map { max(0, $0.requests.refused - before.requests.refused) }
        }
    }

    private static let order = [
        "parse", "wait", "search", "route", "choose_lists", "scan", "refine", "resolve",
        "write", "total",
    ]

    /// Notes that a reader needs to judge the figures.
    var notes: [String] {
        var notes: [String] = []
        if versions.count > 1 {
            let seen = versions.map { "\($0.version) (\($0.answers) answers)" }
            notes.append(
                "another version took over during the run: \(seen.joined(separator: ", then ")); the figures mix them"
            )
        }
        if completeShare < 1 {
            notes.append(
                "\(Wording.fixed(100 * (1 - completeShare), 2))% of the answers miss shards that could not be reached"
            )
        }
        return notes
    }
}

extension Report {
    var coordinatorTable: ReportTable {
        guard let coordinator else { return ReportTable(title: "", rows: [], remark: "") }
        let sources = coordinator.sources.sorted { $0.key < $1.key }
            .map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        let versions = coordinator.versions.map { "\($0.version)" }.joined(separator: ", ")
        let refused = coordinator.refused.map { "; \($0) requests refused" } ?? ""
        let stages = coordinator.stages.map { stage in
            [
                stage.name, "\(stage.requests)",
                Wording.time(microseconds: stage.p50Milliseconds * 1000),
                Wording.time(microseconds: stage.p99Milliseconds * 1000),
            ]
        }
        return ReportTable(
            title: "The coordinator's own times",
            rows: [["stage", "requests", "p50", "p99"]]
                + (stages.isEmpty ? [["no answer from /stats", "", "", ""]] : stages),
            remark:
                "/stats over its last minute, all clients; \(coordinator.answers) answers to this run: "
                + "\(Wording.fixed(100 * coordinator.completeShare, 2))% complete, version \(versions), by tier \(sources)\(refused)"
        )
    }
}
