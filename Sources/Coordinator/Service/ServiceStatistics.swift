// Counts and stage times of searches, whatever surface they came by.
import SearchTypes
import Synchronization
package import TesseraBase

/// The timed stages of a search request.
package enum Stage: String, Sendable, CaseIterable {
    case total, parse, wait, search, route, scan, refine, resolve, write
    case chooseLists = "choose_lists"
}

/// When a search request passed from one stage to the next.
struct StageTimes: Sendable {
    /// The request's arrival.
    var start: SteadyClock.Instant
    /// The request was read and checked.
    var planned: SteadyClock.Instant
    /// The request got its place.
    var admitted: SteadyClock.Instant
    /// All answers were there.
    var searched: SteadyClock.Instant
}

/// Counts since the start, and times of the last minute. A search takes one short lock.
package final class ServiceStatistics: Sendable {
    private struct State {
        var stages = [RollingDistribution](
            repeating: RollingDistribution(), count: Stage.allCases.count)
        var queries = 0
        var bySource = [Int](repeating: 0, count: AnswerSource.allCases.count)
    }

    private let clock: SteadyClock
    private let start: SteadyClock.Instant
    private let state = Mutex(State())

    package init(clock: SteadyClock = .system) {
        self.clock = clock
        start = clock.now()
    }

    /// Time since the start.
    package var uptime: Duration { clock.now() - start }

    /// Counts a search whose answer was written at `written`.
    func count(
        _ times: StageTimes, written: SteadyClock.Instant, _ answers: [BackendAnswer],
        isCached: Bool
    ) {
        let epoch = Int((written - start).components.seconds) / RollingDistribution.slotSeconds
        state.withLock { state in
            func record(_ stage: Stage, _ time: Duration) {
                state.stages[stage.index].record(time.nanoseconds, epoch: epoch)
            }
            record(.total, written - times.start)
            record(.parse, times.planned - times.start)
            record(.wait, times.admitted - times.planned)
            record(.search, times.searched - times.admitted)
            record(.write, written - times.searched)
            state.queries += answers.count
            for answer in answers {
                let source = isCached ? AnswerSource.cache : answer.source
                state.bySource[source.rank] += 1
                guard !isCached else { continue }
                let receipt = answer.answer.receipt
                record(.route, receipt.route)
                record(.chooseLists, receipt.chooseLists)
                record(.scan, receipt.scan)
                record(.refine, receipt.refine)
                record(.resolve, receipt.resolve)
            }
        }
    }

    /// The counts of one moment.
    struct Snapshot: Sendable {
        let uptime: Duration
        let stages: [Stage: DistributionSummary]
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
                uptime: uptime, stages: stages, queries: state.queries, sources: sources)
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
        case .chooseLists: 5
        case .scan: 6
        case .refine: 7
        case .resolve: 8
        case .write: 9
        }
    }
}
