import SearchTypes
import Synchronization
// What the server counts.
package import TesseraBase

/// The stages of a search request that are timed.
package enum Stage: String, Sendable, CaseIterable {
    case total, parse, wait, search, route, scan, refine, resolve, write
}

/// When a search request passed from one stage to the next.
struct StageTimes: Sendable {
    var start: SteadyClock.Instant
    var parsed: SteadyClock.Instant
    var admitted: SteadyClock.Instant
    var searched: SteadyClock.Instant
    var written: SteadyClock.Instant
}

/// Counts and times since the start. One short lock a request.
package final class ServerStatistics: Sendable {
    private struct State {
        var stages = [RollingDistribution](
            repeating: RollingDistribution(), count: Stage.allCases.count)
        var byStatus: [Int: Int] = [:]
        var total = 0
        var queries = 0
        var bySource = [Int](repeating: 0, count: AnswerSource.allCases.count)
    }

    package let start = SteadyClock.system.now()
    private let state = Mutex(State())

    package init() {}

    package var uptime: Duration { SteadyClock.system.now() - start }

    func count(status: Int) {
        state.withLock { state in
            state.total += 1
            state.byStatus[status, default: 0] += 1
        }
    }

    /// Counts a search that was answered.
    func count(_ times: StageTimes, _ answers: [BackendAnswer], isCached: Bool) {
        let epoch =
            Int((times.written - start).components.seconds) / RollingDistribution.slotSeconds
        state.withLock { state in
            func record(_ stage: Stage, _ time: Duration) {
                state.stages[stage.index].record(time.nanoseconds, epoch: epoch)
            }
            record(.total, times.written - times.start)
            record(.parse, times.parsed - times.start)
            record(.wait, times.admitted - times.parsed)
            record(.search, times.searched - times.admitted)
            record(.write, times.written - times.searched)
            state.queries += answers.count
            for answer in answers {
                let source = isCached ? AnswerSource.cache : answer.source
                state.bySource[source.rank] += 1
                guard !isCached else { continue }
                let receipt = answer.answer.receipt
                record(.route, receipt.route)
                record(.scan, receipt.scan)
                record(.refine, receipt.refine)
                record(.resolve, receipt.resolve)
            }
        }
    }

    /// What was counted.
    struct Snapshot: Sendable {
        let uptime: Duration
        let stages: [Stage: DistributionSummary]
        let byStatus: [Int: Int]
        let total: Int
        let queries: Int
        let sources: [AnswerSource: Int]
    }

    var snapshot: Snapshot {
        let uptime = uptime
        let epoch = Int(uptime.components.seconds) / RollingDistribution.slotSeconds
        return state.withLock { state in
            var stages: [Stage: DistributionSummary] = [:]
            for stage in Stage.allCases {
                stages[stage] = state.stages[stage.index].summary(epoch: epoch)
            }
            var sources: [AnswerSource: Int] = [:]
            for source in AnswerSource.allCases { sources[source] = state.bySource[source.rank] }
            return Snapshot(
                uptime: uptime, stages: stages, byStatus: state.byStatus, total: state.total,
                queries: state.queries, sources: sources)
        }
    }
}

extension Stage {
    fileprivate var index: Int {
        switch self {
        case .total: 0
        case .parse: 1
        case .wait: 2
        case .search: 3
        case .route: 4
        case .scan: 5
        case .refine: 6
        case .resolve: 7
        case .write: 8
        }
    }
}
