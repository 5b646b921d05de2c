// Carries out one request to the workers: sends what Dispatch decides, and tells it the outcomes.
import SearchProtocol
package import SearchTypes
import Synchronization
package import TesseraBase
import VectorCore

/// The answer to a part, or why there is none.
package typealias PartOutcome = Result<PartAnswer, TesseraError>

/// Sends parts to workers. Outcomes arrive in one mailbox, so that a request needs no task and no
/// timer for each worker.
package struct RemoteSearch: Sendable {
    /// Shortest delay before a second worker is asked.
    private static let leastHedgeDelay = Duration.milliseconds(1)

    let workers: WorkerSet
    /// All parts of the request. Each worker gets a selection of them.
    let request: PartsRequest
    /// The group of each part.
    let groups: [Int]
    let deadline: SteadyClock.Instant
    let hedges: HedgeCounter
    let clock: SteadyClock
    let alarms: Alarms

    /// - Parameters:
    ///   - groups: the group of each part.
    ///   - hedges: the hedge budget, which all requests share.
    package init(
        workers: WorkerSet, request: PartsRequest, groups: [Int], deadline: SteadyClock.Instant,
        hedges: HedgeCounter, clock: SteadyClock = .system, alarms: Alarms = .eventLoops
    ) {
        self.workers = workers
        self.request = request
        self.groups = groups
        self.deadline = deadline
        self.hedges = hedges
        self.clock = clock
        self.alarms = alarms
    }

    private enum Event: Sendable {
        case answered(Dispatch.Sending, WireSearchResponse)
        case failed(Dispatch.Sending, TesseraError)
        /// A hedge or the deadline is due.
        case time
    }

    /// The state of the request: what was sent, what has come back, and when to hedge.
    private struct Course {
        var dispatch: Dispatch
        var outcomes: [PartOutcome]
        let mail = Mailbox<Event>()
        var underWay: [Int: (sending: Dispatch.Sending, since: SteadyClock.Instant)] = [:]
        /// When to hedge each request not hedged yet, by request number.
        var hedgeAt: [Int: SteadyClock.Instant] = [:]
        var cancelAlarm: (@Sendable () -> Void)?
        var alarmAt: SteadyClock.Instant?
    }

    /// Runs the request. Returns one outcome for each part, in their order.
    package func run() async -> [PartOutcome] {
        let unasked = TesseraError(
            .unavailable, "none of the \(workers.links.count) workers can be asked now; try again")
        var course = Course(
            dispatch: Dispatch(
                orders: groups.map { workers.orders[$0] },
                holders: groups.map { workers.placement.holders[$0].count }),
            outcomes: [PartOutcome](repeating: .failure(unasked), count: groups.count))
        var sendings = course.dispatch.start(admits: admits)
        while true {
            for sending in sendings { send(sending, &course) }
            if course.dispatch.isDone { break }
            setAlarm(&course)
            sendings = await take(course.mail.next(), &course)
            if clock.now() >= deadline {
                giveUp(&course)
                break
            }
        }
        course.cancelAlarm?()
        return course.outcomes
    }

    private func admits(_ member: Int) -> Bool { workers.links[member].admits() }

    /// Takes in an event, and returns what is to be sent because of it.
    private func take(_ event: Event, _ course: inout Course) -> [Dispatch.Sending] {
        switch event {
        case .answered(let sending, let response):
            do throws(TesseraError) {
                let answers = try response.answers(
                    to: sending.parts.map { request.parts[$0] }, k: request.k,
                    refineDepth: request.refineDepth)
                end(sending, &course)
                let new = Set(course.dispatch.answered(sending.number))
                for (part, answer) in zip(sending.parts, answers) where new.contains(part) {
                    course.outcomes[part] = .success(answer)
                }
                return []
            } catch {
                return take(.failed(sending, error), &course)
            }
        case .failed(let sending, let error):
            end(sending, &course)
            for part in sending.parts where !course.dispatch.isAnswered(part) {
                course.outcomes[part] = .failure(error)
            }
            let retries = mayRetry(error)
            return course.dispatch.failed(sending.number) { retries && admits($0) }
        case .time:
            course.alarmAt = nil
            let now = clock.now()
            var sendings: [Dispatch.Sending] = []
            for (number, due) in course.hedgeAt.sorted(by: { $0.key < $1.key }) where due <= now {
                course.hedgeAt[number] = nil
                sendings += course.dispatch.late(number) { hedges.take() && admits($0) }
            }
            return sendings
        }
    }

    private func end(_ sending: Dispatch.Sending, _ course: inout Course) {
        course.underWay[sending.number] = nil
        course.hedgeAt[sending.number] = nil
    }

    /// Whether another worker may be asked: its answer could differ, and there is time for it.
    private func mayRetry(_ error: TesseraError) -> Bool {
        error.code != .invalidArgument && error.code != .unsupported
            && clock.now() < deadline
    }

    private func send(_ sending: Dispatch.Sending, _ course: inout Course) {
        let link = workers.links[sending.member]
        let now = clock.now()
        course.underWay[sending.number] = (sending, now)
        if !sending.isHedge {
            hedges.countRequest()
            if let usual = link.percentile95 {
                course.hedgeAt[sending.number] = now + max(usual, Self.leastHedgeDelay)
            }
        }
        let timeout = deadline - now
        guard timeout > .zero else {
            let late = TesseraError(
                .unavailable, "the deadline passed before worker \(link.address) was asked")
            return course.mail.put(.failed(sending, late))
        }
        var selection = request.selecting(sending.parts)
        selection.timeout = timeout
        link.search(selection.message, timeout: timeout) { [mail = course.mail] outcome in
            switch outcome {
            case .success(let response): mail.put(.answered(sending, response))
            case .failure(let error): mail.put(.failed(sending, error))
            }
        }
    }

    /// Keeps the request's one timer set to whatever is due first.
    private func setAlarm(_ course: inout Course) {
        var due = deadline
        for time in course.hedgeAt.values { due = min(due, time) }
        if let alarmAt = course.alarmAt, alarmAt <= due { return }
        course.cancelAlarm?()
        course.alarmAt = due
        course.cancelAlarm = alarms.after(due - clock.now()) { [mail = course.mail] in
            mail.put(.time)
        }
    }

    /// Ends the request at its deadline: parts without an answer have failed.
    private func giveUp(_ course: inout Course) {
        let now = clock.now()
        for (sending, since) in course.underWay.values {
            let link = workers.links[sending.member]
            link.wasGivenUp(after: now - since)
            for part in sending.parts where !course.dispatch.isAnswered(part) {
                course.outcomes[part] = .failure(
                    TesseraError(
                        .unavailable, "worker \(link.address) did not answer in time"))
            }
        }
    }
}

extension PartsRequest {
    /// This request with some of its parts, and only the queries that these need.
    func selecting(_ chosen: [Int]) -> PartsRequest {
        var selection = self
        var rows: [Int] = []
        var renumbered: [Int: Int] = [:]
        selection.parts = chosen.map { index in
            var part = parts[index]
            if let row = renumbered[part.query] {
                part.query = row
            } else {
                renumbered[part.query] = rows.count
                rows.append(part.query)
                part.query = rows.count - 1
            }
            return part
        }
        guard rows != Array(0..<queries.rows) else { return selection }
        selection.queries = queries.gathering(rows)
        selection.transformed = transformed?.gathering(rows)
        return selection
    }
}

/// The hedge budget that all requests share.
package final class HedgeCounter: Sendable {
    private let budget = Mutex(HedgeBudget())

    package init() {}

    func countRequest() {
        budget.withLock { $0.countRequest() }
    }

    func take() -> Bool {
        budget.withLock { $0.take() }
    }
}
