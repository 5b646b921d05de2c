// One worker as the coordinator knows it: its connection, its health, and how fast it answers.
//
// Searches go over one call that stays open. A worker whose build does not know that call, or to
// which it is not open yet, gets each search in a call of its own.
import Foundation
import GRPCCore
package import SearchProtocol
import Synchronization
package import TesseraBase

/// A connection to one worker. The worker is asked only while it serves and its breaker is closed.
package final class WorkerLink: Sendable {
    /// Delay before the health service is watched again after a failure; it doubles up to the
    /// longest.
    private static let pauses = (first: Duration.milliseconds(100), longest: Duration.seconds(1))

    /// Delay before reopening the search stream: after a disconnect, and when the worker does not
    /// implement it.
    private static let streamPauses = (
        short: Duration.milliseconds(100), long: Duration.seconds(60)
    )
    /// Most searches that wait for a call of their own.
    private static let mostCalls = 1 << 12
    /// Shortest wait after which a missed deadline counts as the worker's fault: a shorter deadline
    /// says nothing about the worker.
    private static let patience = Duration.seconds(1)

    /// A search that gets a call of its own.
    private struct Call: Sendable {
        let message: WireSearchRequest
        let timeout: Duration
        let done: @Sendable (SearchOutcome) -> Void
    }

    private struct State {
        var isServing = false
        var breaker = CircuitBreaker()
        var latencies = LatencyWindow()
    }

    package let address: WorkerAddress
    let transport: any WorkerTransport
    private let clock: SteadyClock
    private let state = Mutex(State())
    private let stream = SearchStream()
    private let bell: Bell
    private let calls: (stream: AsyncStream<Call>, feed: AsyncStream<Call>.Continuation)
    private let stopped: (stream: AsyncStream<Never>, end: AsyncStream<Never>.Continuation)

    package init(
        _ address: WorkerAddress, transport: any WorkerTransport, clock: SteadyClock = .system
    ) {
        self.address = address
        self.transport = transport
        self.clock = clock
        bell = Bell(clock: clock)
        let (stream, end) = AsyncStream.makeStream(of: Never.self)
        stopped = (stream, end)
        let (calls, feed) = AsyncStream.makeStream(
            of: Call.self, bufferingPolicy: .bufferingOldest(Self.mostCalls))
        self.calls = (calls, feed)
    }

    // MARK: The connection

    /// Keeps the connection and watches the worker's health until ``stop()`` or cancelled.
    ///
    /// - Parameter joined: run when the worker says that it serves, before it is asked anything
    ///   else.
    package func run(joined: @escaping @Sendable () async -> Void) async {
        await withTaskExecutorPreference(transport.executor) {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.transport.run() }
                group.addTask { await self.watch(joined) }
                group.addTask { await self.keepStream() }
                group.addTask { await self.makeCalls() }
                group.addTask { [stopped] in for await _ in stopped.stream {} }
                // The end of the connection, a stop and a cancellation all end the link.
                await group.next()
                group.cancelAll()
            }
        }
        calls.feed.finish()
        stopServing()
    }

    /// Ends ``run(joined:)``.
    package func stop() {
        stopped.end.finish()
    }

    private func stopServing() {
        state.withLock { $0.isServing = false }
        stream.close()
    }

    /// Keeps the search stream open while the worker serves.
    private func keepStream() async {
        while !Task.isCancelled {
            guard isServing else {
                await bell.wait(upTo: Self.streamPauses.long)
                continue
            }
            let isKnown = await stream.serve(transport)
            await bell.wait(upTo: isKnown ? Self.streamPauses.short : Self.streamPauses.long)
        }
    }

    /// Makes a call for each search that cannot go over the stream.
    private func makeCalls() async {
        await withDiscardingTaskGroup { group in
            for await call in calls.stream {
                group.addTask { [transport] in
                    do throws(RPCError) {
                        call.done(
                            .success(
                                try await transport.search(call.message, timeout: call.timeout)))
                    } catch {
                        call.done(.failure(error))
                    }
                }
            }
        }
    }

    private func watch(_ joined: @escaping @Sendable () async -> Void) async {
        var pause = Self.pauses.first
        while !Task.isCancelled {
            do throws(RPCError) {
                try await transport.watchHealth { serves in
                    if serves { await joined() }
                    self.state.withLock { state in
                        state.isServing = serves
                        if serves { state.breaker.succeeded() }
                    }
                    if serves { self.bell.ring() } else { self.stream.close() }
                }
                pause = Self.pauses.first
            } catch {
                pause = min(pause * 2, Self.pauses.longest)
            }
            stopServing()
            try? await clock.sleep(pause)
        }
    }

    // MARK: Searching

    /// Whether the worker says that it serves.
    package var isServing: Bool { state.withLock { $0.isServing } }

    /// Whether a request may go to this worker now. If so, it must be sent by
    /// ``search(_:timeout:done:)``.
    package func admits() -> Bool {
        state.withLock { $0.isServing && $0.breaker.admits(at: clock.now()) }
    }

    /// Time within which 95 of 100 of the latest requests were answered; nil while too few were.
    package var percentile95: Duration? { state.withLock { $0.latencies }.percentile95 }

    /// Searches parts. `done` is called once, on any thread, with the worker's answer or error;
    /// `unavailable` if there is none.
    package func search(
        _ message: WireSearchRequest, timeout: Duration,
        done: @escaping @Sendable (Result<WireSearchResponse, TesseraError>) -> Void
    ) {
        let start = clock.now()
        let told: @Sendable (SearchOutcome) -> Void = { [self] outcome in
            switch outcome {
            case .success(let response):
                state.withLock { state in
                    state.latencies.add(clock.now() - start)
                    state.breaker.succeeded()
                }
                done(.success(response))
            case .failure(let error):
                count(error.code, after: clock.now() - start)
                done(.failure(TesseraError(worker: address.description, error)))
            }
        }
        let alone = Call(message: message, timeout: timeout, done: told)
        let isPosted = stream.post(message) { [self] outcome in
            // The worker's build does not know the stream.
            if case .failure(let error) = outcome, error.code == .unimplemented {
                call(alone)
            } else {
                told(outcome)
            }
        }
        if !isPosted { call(alone) }
    }

    private func call(_ search: Call) {
        guard case .enqueued = calls.feed.yield(search) else {
            let full = RPCError(code: .resourceExhausted, message: "too many searches wait for it")
            return search.done(.failure(full))
        }
    }

    /// Counts a search that was given up after `wait`.
    func wasGivenUp(after wait: Duration) {
        count(.deadlineExceeded, after: wait)
    }

    private func count(_ code: RPCError.Code, after wait: Duration) {
        let isFault =
            switch code {
            case .unavailable, .internalError, .unknown: true
            case .deadlineExceeded: wait >= Self.patience
            default: false
            }
        state.withLock { state in
            if isFault {
                state.breaker.failed(at: clock.now())
            } else {
                state.breaker.abandoned(at: clock.now())
            }
        }
    }
}
