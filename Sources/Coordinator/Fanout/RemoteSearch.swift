// One request on its way to the workers: sends what Dispatch decides and tells it what came of it.
import Foundation
import SearchProtocol
import Synchronization
import TesseraBase
import VectorCore

/// What became of a part: its answer, or why there is none.
typealias PartOutcome = Result<PartAnswer, TesseraError>

/// Sends parts to workers.
struct RemoteSearch: Sendable {
    /// Nobody is asked again beside a worker that has taken less than this.
    private static let leastHedgeDelay = Duration.milliseconds(1)

    let workers: WorkerSet
    /// Parts and everything about them but the selection that one worker gets.
    let request: PartsRequest
    /// The group of each part.
    let groups: [Int]
    let deadline: ContinuousClock.Instant
    let hedges: HedgeCounter

    private enum Event: Sendable {
        case answered(Dispatch.Sending, [PartAnswer])
        case failed(Dispatch.Sending, TesseraError)
        case late(Dispatch.Sending)
    }

    /// One outcome a part.
    func run() async -> [PartOutcome] {
        var dispatch = Dispatch(
            orders: groups.map { workers.orders[$0] },
            holders: groups.map { workers.placement.holders[$0].count })
        let nobody = TesseraError(
            .unavailable, "none of the \(workers.links.count) workers can be asked now; try again")
        var outcomes = [PartOutcome](repeating: .failure(nobody), count: groups.count)
        let admits: (Int) -> Bool = { workers.links[$0].admits() }
        await withTaskGroup(of: Event?.self) { group in
            var sendings = dispatch.start(admits: admits)
            while true {
                for sending in sendings { launch(sending, in: &group) }
                if dispatch.isDone { break }
                guard let event = await group.next() else { break }
                switch event {
                case .answered(let sending, let answers):
                    let byPart = Dictionary(uniqueKeysWithValues: zip(sending.parts, answers))
                    for part in dispatch.answered(sending.number) {
                        if let answer = byPart[part] { outcomes[part] = .success(answer) }
                    }
                    sendings = []
                case .failed(let sending, let error):
                    for part in sending.parts where !dispatch.isAnswered(part) {
                        outcomes[part] = .failure(error)
                    }
                    let retries = mayRetry(error)
                    sendings = dispatch.failed(sending.number) { retries && admits($0) }
                case .late(let sending):
                    sendings = dispatch.late(sending.number) { hedges.take() && admits($0) }
                case nil:
                    sendings = []
                }
            }
            group.cancelAll()
        }
        return outcomes
    }

    /// Another worker would answer the same, or there is no time to ask one.
    private func mayRetry(_ error: TesseraError) -> Bool {
        error.code != .invalidArgument && error.code != .unsupported
            && ContinuousClock.now < deadline
    }

    private func launch(_ sending: Dispatch.Sending, in group: inout TaskGroup<Event?>) {
        let link = workers.links[sending.member]
        if !sending.isHedge { hedges.countRequest() }
        group.addTask {
            do throws(TesseraError) {
                return .answered(sending, try await ask(link, sending))
            } catch {
                return .failed(sending, error)
            }
        }
        guard !sending.isHedge, let usual = link.percentile95 else { return }
        let delay = max(usual, Self.leastHedgeDelay)
        group.addTask {
            do {
                try await Task.sleep(for: delay, tolerance: .zero)
                return .late(sending)
            } catch {
                return nil
            }
        }
    }

    private func ask(_ link: WorkerLink, _ sending: Dispatch.Sending)
        async throws(TesseraError) -> [PartAnswer]
    {
        let timeout = deadline - .now
        guard timeout > .zero else {
            throw TesseraError(
                .unavailable, "the deadline passed before worker \(link.address) was asked")
        }
        var selection = request.selecting(sending.parts)
        selection.timeout = timeout
        let response = try await link.search(selection.message, timeout: timeout)
        return try response.answers(to: selection.parts, k: request.k)
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
