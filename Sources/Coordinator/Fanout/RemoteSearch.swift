// One request on its way to the workers: sends what Dispatch decides and tells it what came of it.
import NIOCore
import NIOPosix
import SearchProtocol
import SearchTypes
import Synchronization
import TesseraBase
import VectorCore

/// What became of a part: its answer, or why there is none.
typealias PartOutcome = Result<PartAnswer, TesseraError>

/// Sends parts to workers. What comes of them is told to a mailbox by whoever hears it first, so that a request takes no
/// task and no timer for each worker.
struct RemoteSearch: Sendable {
    /// Nobody is asked again beside a worker that has taken less than this.
    private static let leastHedgeDelay = Duration.milliseconds(1)

    let workers: WorkerSet
    /// Parts and everything about them but the selection that one worker gets.
    let request: PartsRequest
    /// The group of each part.
    let groups: [Int]
    let deadline: SteadyClock.Instant
    let hedges: HedgeCounter

    private enum Event: Sendable {
        case answered(Dispatch.Sending, WireSearchResponse)
        case failed(Dispatch.Sending, TesseraError)
        /// Something is due.
        case time
    }

    /// What is under way, and when somebody else is asked.
    private struct Course {
        var dispatch: Dispatch
        var outcomes: [PartOutcome]
        let mail = Mailbox<Event>()
        var underWay: [Int: (sending: Dispatch.Sending, since: SteadyClock.Instant)] = [:]
        /// Of sendings that nobody was asked beside yet, by number.
        var hedgeAt: [Int: SteadyClock.Instant] = [:]
        var alarm: Scheduled<Void>?
        var alarmAt: SteadyClock.Instant?
    }

    /// One outcome a part.
    func run() async -> [PartOutcome] {
        let nobody = TesseraError(
            .unavailable, "none of the \(workers.links.count) workers can be asked now; try again")
        var course = Course(
            dispatch: Dispatch(
                orders: groups.map { workers.orders[$0] },
                holders: groups.map { workers.placement.holders[$0].count }),
            outcomes: [PartOutcome](repeating: .failure(nobody), count: groups.count))
        var sendings = course.dispatch.start(admits: admits)
        while true {
            for sending in sendings { send(sending, &course) }
            if course.dispatch.isDone { break }
            setAlarm(&course)
            sendings = await take(course.mail.next(), &course)
            if SteadyClock.system.now() >= deadline {
                giveUp(&course)
                break
            }
        }
        course.alarm?.cancel()
        return course.outcomes
    }

    private func admits(_ member: Int) -> Bool { workers.links[member].admits() }

    /// What is to be sent now that something has happened.
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
            let now = SteadyClock.system.now()
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

    /// Another worker would answer the same, or there is no time to ask one.
    private func mayRetry(_ error: TesseraError) -> Bool {
        error.code != .invalidArgument && error.code != .unsupported
            && SteadyClock.system.now() < deadline
    }

    private func send(_ sending: Dispatch.Sending, _ course: inout Course) {
        let link = workers.links[sending.member]
        let now = SteadyClock.system.now()
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

    /// One timer a request: for the first that is due.
    private func setAlarm(_ course: inout Course) {
        var due = deadline
        for time in course.hedgeAt.values { due = min(due, time) }
        if let alarmAt = course.alarmAt, alarmAt <= due { return }
        course.alarm?.cancel()
        course.alarmAt = due
        let wait = TimeAmount(max(.zero, due - SteadyClock.system.now()))
        course.alarm = MultiThreadedEventLoopGroup.singleton.any().scheduleTask(in: wait) {
            [mail = course.mail] in mail.put(.time)
        }
    }

    /// The deadline has passed: nobody is waited for any more.
    private func giveUp(_ course: inout Course) {
        let now = SteadyClock.system.now()
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
    /// The same with some of the parts, and only the queries these need.
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
final class HedgeCounter: Sendable {
    private let budget = Mutex(HedgeBudget())

    func countRequest() {
        budget.withLock { $0.countRequest() }
    }

    func take() -> Bool {
        budget.withLock { $0.take() }
    }
}
