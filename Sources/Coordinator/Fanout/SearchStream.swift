// One call to a worker that carries any number of searches: a call of its own for each costs several times what a small
// search does.
//
// Invariants: every search that was taken has its answer or failure told exactly once; at most `mostWaiting` wait; when the
// call ends, all that wait have failed.
import GRPCCore
import SearchProtocol
import Synchronization
import TesseraBase

/// What becomes of a search, told from whatever thread it came in on.
typealias SearchOutcome = Result<WireSearchResponse, RPCError>

/// The searches that are on their way to one worker over one call.
final class SearchStream: Sendable {
    /// Searches that may wait for their answers; more are refused.
    private static let mostWaiting = 1 << 14

    private enum Phase {
        /// There is no call now.
        case closed
        case open(AsyncStream<Tessera_Worker_V1_NumberedSearch>.Continuation)
        /// The worker's build does not know it.
        case unknown
    }

    private struct State {
        var phase = Phase.closed
        var next: UInt64 = 0
        var waiting: [UInt64: @Sendable (SearchOutcome) -> Void] = [:]
    }

    private let state = Mutex(State())

    /// Sends a search. False where that has to go another way, and then `done` is not called.
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

    /// Makes the call and serves it until it ends or ``close()``; false where the worker does not know it.
    ///
    /// - Throws: nothing: what waits is told.
    func serve<Transport: ClientTransport>(_ client: GRPCClient<Transport>, _ options: CallOptions)
        async -> Bool
    {
        let worker = Tessera_Worker_V1_ShardWorker.Client(wrapping: client)
        let (outbox, feed) = AsyncStream.makeStream(
            of: Tessera_Worker_V1_NumberedSearch.self,
            bufferingPolicy: .bufferingOldest(Self.mostWaiting))
        state.withLock { $0.phase = .open(feed) }
        var end = RPCError(code: .unavailable, message: "the worker ended the call")
        do {
            try await worker.searchMany(options: options) { writer in
                for await message in outbox { try await writer.write(message) }
            } onResponse: { response in
                for try await answer in response.messages { self.take(answer) }
            }
        } catch {
            end = error as? RPCError ?? RPCError(code: .unavailable, message: "\(error)")
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

    /// Nothing more is sent; what waits is still answered, and then the call ends.
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
