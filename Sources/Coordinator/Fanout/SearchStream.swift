// One call to a worker that carries any number of searches. A call for each search would cost
// several times as much as a small search.
//
// Invariants: the outcome of every posted search is told exactly once; at most `mostWaiting`
// searches wait; when the call ends, all that wait have failed.
import GRPCCore
import SearchProtocol
import Synchronization

/// The worker's answer to a search, or gRPC's error.
typealias SearchOutcome = Result<WireSearchResponse, RPCError>

/// The searches on their way to one worker over one call.
final class SearchStream: Sendable {
    /// Most searches that wait for their answers; more are refused.
    private static let mostWaiting = 1 << 14

    private enum Phase {
        /// There is no call now.
        case closed
        case open(AsyncStream<Tessera_Worker_V1_NumberedSearch>.Continuation)
        /// The worker's build does not know the call.
        case unknown
    }

    private struct State {
        var phase = Phase.closed
        var next: UInt64 = 0
        var waiting: [UInt64: @Sendable (SearchOutcome) -> Void] = [:]
    }

    private let state = Mutex(State())

    /// Sends a search. Returns false, and never calls `done`, if the search has to go another way.
    func post(
        _ search: WireSearchRequest, _ done: @escaping @Sendable (SearchOutcome) -> Void
    ) -> Bool {
        state.withLock { state in
            guard case .open(let outbox) = state.phase, state.waiting.count < Self.mostWaiting
            else { return false }
            var message = Tessera_Worker_V1_NumberedSearch()
            message.number = state.next
            message.request = search
            guard case .enqueued = outbox.yield(message) else { return false }
            state.waiting[state.next] = done
            state.next += 1
            return true
        }
    }

    /// Makes the call and serves it until it ends or is closed. Returns false if the worker does
    /// not know the call.
    func serve(_ transport: any WorkerTransport) async -> Bool {
        let (outbox, feed) = AsyncStream.makeStream(
            of: Tessera_Worker_V1_NumberedSearch.self,
            bufferingPolicy: .bufferingOldest(Self.mostWaiting))
        state.withLock { $0.phase = .open(feed) }
        var end = RPCError(code: .unavailable, message: "the worker ended the call")
        do throws(RPCError) {
            try await transport.searchMany(outbox) { self.take($0) }
        } catch {
            end = error
        }
        feed.finish()
        let isKnown = end.code != .unimplemented
        let waiting = state.withLock { state in
            state.phase = isKnown ? .closed : .unknown
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for done in waiting { done(.failure(end)) }
        return isKnown
    }

    /// Stops sending. Searches that wait are still answered, and then the call ends.
    func close() {
        state.withLock { state in
            guard case .open(let feed) = state.phase else { return }
            feed.finish()
            state.phase = .closed
        }
    }

    private func take(_ answer: Tessera_Worker_V1_NumberedAnswer) {
        guard let done = state.withLock({ $0.waiting.removeValue(forKey: answer.number) }) else {
            return
        }
        guard answer.failure != 0 else { return done(.success(answer.response)) }
        let code = RPCError.Code(Status.Code(rawValue: Int(answer.failure)) ?? .unknown)
        done(.failure(RPCError(code: code ?? .unknown, message: answer.message)))
    }
}
