// One worker as the coordinator knows it: its connection, whether it is well, and how fast it answers.
//
// Everything of a link happens on one event loop. Searches go over one call that stays open; a worker whose build does not know
// that call, or to which it is not open yet, gets each in a call of its own.
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import NIOCore
import NIOPosix
package import SearchProtocol
package import SearchTypes
import Synchronization
package import TesseraBase
package import VectorCore

/// A connection to one worker. It is asked only while it says it serves and its breaker is closed.
package final class WorkerLink: Sendable {
    private typealias Transport = HTTP2ClientTransport.Posix

    /// How long the health service is left alone after it failed, at first and at most.
    private static let pauses = (first: Duration.milliseconds(100), longest: Duration.seconds(1))

    /// Between two tries to open the call that searches go over, and where the worker does not know it.
    private static let streamPauses = (
        short: Duration.milliseconds(100), long: Duration.seconds(60)
    )
    /// Searches that may wait to get a call of their own.
    private static let mostCalls = 1 << 12

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
    private let client: GRPCClient<Transport>
    private let loop: any EventLoop
    private let state = Mutex(State())
    private let stream = SearchStream()
    private let bell = Bell()
    private let calls: (stream: AsyncStream<Call>, feed: AsyncStream<Call>.Continuation)
    private let stopped: (stream: AsyncStream<Never>, end: AsyncStream<Never>.Continuation)

    /// - Parameter serverName: the name in the worker's certificate, where that is not the address's host.
    /// - Throws: `invalidArgument` where the certificates cannot be used.
    package init(_ address: WorkerAddress, security: MutualTLS?, serverName: String?)
        throws(TesseraError)
    {
        self.address = address
        let (stream, end) = AsyncStream.makeStream(of: Never.self)
        stopped = (stream, end)
        let (calls, feed) = AsyncStream.makeStream(
            of: Call.self, bufferingPolicy: .bufferingOldest(Self.mostCalls))
        self.calls = (calls, feed)
        loop = MultiThreadedEventLoopGroup.singleton.next()
        var config = Transport.Config.defaults
        config.backoff = .init(
            initial: .milliseconds(100), max: .seconds(2), multiplier: 1.6, jitter: 0.2)
        config.connection.keepalive = .init(
            time: .seconds(10), timeout: .seconds(5), allowWithoutCalls: true)
        config.connection.flushCoalescing = nil
        config.http2.authority = serverName
        do {
            client = GRPCClient(
                transport: try Transport(
                    target: Self.target(address),
                    transportSecurity: Self.security(security), config: config,
                    eventLoopGroup: loop))
        } catch {
            throw TesseraError(
                .invalidArgument, "no connection to worker \(address) can be made", cause: error)
        }
    }

    /// A numeric host is no name to ask for, neither of DNS nor of TLS.
    private static func target(_ address: WorkerAddress) -> any ResolvableTarget {
        if address.host.contains(":") {
            return .ipv6(address: address.host, port: address.port)
        }
        if address.host.allSatisfy({ $0.isNumber || $0 == "." }) {
            return .ipv4(address: address.host, port: address.port)
        }
        return .dns(host: address.host, port: address.port)
    }

    private static func security(_ files: MutualTLS?) -> Transport.TransportSecurity {
        guard let files else { return .plaintext }
        return .mTLS(
            certificateChain: [.file(path: files.certificate, format: .pem)],
            privateKey: .file(path: files.key, format: .pem)
        ) { config in
            config.trustRoots = .certificates([.file(path: files.authority, format: .pem)])
        }
    }

    /// Keeps the connection and watches the worker's health until ``stop()`` or cancelled.
    ///
    /// - Parameter joined: run when the worker says it serves, before it is asked anything else.
    package func run(joined: @escaping @Sendable () async -> Void) async {
        await withTaskExecutorPreference(LoopExecutor(loop)) {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { [client] in try? await client.runConnections() }
                group.addTask { await self.watch(joined) }
                group.addTask { await self.keepStream() }
                group.addTask { await self.makeCalls() }
                group.addTask { [stopped] in for await _ in stopped.stream {} }
                // The connection's own end, a stop and a cancellation all mean the same.
                await group.next()
                group.cancelAll()
            }
        }
        calls.feed.finish()
        stopServing()
    }

    private func stopServing() {
        state.withLock { $0.isServing = false }
        stream.close()
    }

    /// Keeps the call open that searches go over, as long as the worker serves.
    private func keepStream() async {
        while !Task.isCancelled {
            guard isServing else {
                await bell.wait(upTo: Self.streamPauses.long)
                continue
            }
            let isKnown = await stream.serve(client, Self.options(nil))
            await bell.wait(upTo: isKnown ? Self.streamPauses.short : Self.streamPauses.long)
        }
    }

    /// Makes a call for each search that cannot go over the open one.
    private func makeCalls() async {
        await withDiscardingTaskGroup { group in
            for await call in calls.stream {
                group.addTask { [client] in
                    let worker = Tessera_Worker_V1_ShardWorker.Client(wrapping: client)
                    do {
                        call.done(
                            .success(
                                try await worker.search(
                                    call.message, options: Self.options(call.timeout))))
                    } catch {
                        call.done(
                            .failure(
                                error as? RPCError
                                    ?? RPCError(code: .unavailable, message: "\(error)")))
                    }
                }
            }
        }
    }

    package func stop() {
        stopped.end.finish()
    }

    private func watch(_ joined: @escaping @Sendable () async -> Void) async {
        let health = Grpc_Health_V1_Health.Client(wrapping: client)
        var pause = Self.pauses.first
        while !Task.isCancelled {
            do {
                try await health.watch(.init()) { response in
                    for try await message in response.messages {
                        let serves = message.status == .serving
                        if serves { await joined() }
                        self.state.withLock { state in
                            state.isServing = serves
                            if serves { state.breaker.succeeded() }
                        }
                        if serves { self.bell.ring() } else { self.stream.close() }
                    }
                }
                pause = Self.pauses.first
            } catch {
                pause = min(pause * 2, Self.pauses.longest)
            }
            stopServing()
            try? await Task.sleep(for: pause)
        }
    }

    package var isServing: Bool { state.withLock { $0.isServing } }

    /// Whether a request may go to this worker now; if so it must be sent by ``search(_:timeout:done:)``.
    package func admits() -> Bool {
        state.withLock { $0.isServing && $0.breaker.admits(at: SteadyClock.system.now()) }
    }

    /// What 95 of 100 of the latest requests were answered within.
    package var percentile95: Duration? { state.withLock { $0.latencies }.percentile95 }

    /// Searches parts; `done` is told what the worker answers, or `unavailable` where it does not, from any thread.
    package func search(
        _ message: WireSearchRequest, timeout: Duration,
        done: @escaping @Sendable (Result<WireSearchResponse, TesseraError>) -> Void
    ) {
        let start = SteadyClock.system.now()
        let told: @Sendable (SearchOutcome) -> Void = { [self] outcome in
            switch outcome {
            case .success(let response):
                state.withLock { state in
                    state.latencies.add(SteadyClock.system.now() - start)
                    state.breaker.succeeded()
                }
                done(.success(response))
            case .failure(let error):
                count(error.code, after: SteadyClock.system.now() - start)
                done(.failure(TesseraError(worker: address.description, error)))
            }
        }
        let alone = Call(message: message, timeout: timeout, done: told)
        let isPosted = stream.post(message) { [self] outcome in
            // The worker's build does not know the call they share.
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

    /// A search was not waited for any more, after `wait`.
    func wasGivenUp(after wait: Duration) {
        count(.deadlineExceeded, after: wait)
    }

    /// A deadline that was too short from the start says nothing about the worker.
    private static let patience = Duration.seconds(1)

    private func count(_ code: RPCError.Code, after wait: Duration) {
        let isFault =
            switch code {
            case .unavailable, .internalError, .unknown: true
            case .deadlineExceeded: wait >= Self.patience
            default: false
            }
        state.withLock { state in
            if isFault {
                state.breaker.failed(at: SteadyClock.system.now())
            } else {
                state.breaker.abandoned(at: SteadyClock.system.now())
            }
        }
    }

    /// Has the worker bring shards into memory; the number that are there. Throws what the worker answers, and `unavailable`
    /// where it does not.
    package func prepare(index: String, version: Int, shards: [Int], timeout: Duration)
        async throws(TesseraError) -> Int
    {
        var message = Tessera_Worker_V1_PrepareRequest()
        message.index = index
        message.version = UInt32(clamping: version)
        message.shards = shards.map { UInt32(clamping: $0) }
        let worker = Tessera_Worker_V1_ShardWorker.Client(wrapping: client)
        do {
            let answer = try await worker.prepare(message, options: Self.options(timeout))
            return Int(answer.residentShards)
        } catch { throw TesseraError(worker: address.description, error) }
    }

    /// The vector of an id, nil for an unknown id. Throws as ``prepare(index:version:shards:timeout:)``.
    package func vector(of id: String, index: String, version: Int, timeout: Duration)
        async throws(TesseraError) -> [Float]?
    {
        var message = Tessera_Worker_V1_LookupRequest()
        message.index = index
        message.version = UInt32(clamping: version)
        message.id = id
        let worker = Tessera_Worker_V1_ShardWorker.Client(wrapping: client)
        let answer: Tessera_Worker_V1_LookupResponse
        do {
            answer = try await worker.lookup(message, options: Self.options(timeout))
        } catch { throw TesseraError(worker: address.description, error) }
        guard answer.found else { return nil }
        let columns = max(1, answer.vector.count / 4)
        return try WireFloats.matrix(answer.vector, columns: columns, "a worker's vector").elements
    }

    /// The vectors of rows, `[places][dimension]`. Throws as ``prepare(index:version:shards:timeout:)``, `unsupported` also where the worker is of
    /// a build that does not know the call.
    package func vectors(
        at places: [NumericID], index: String, version: Int, dimension: Int, timeout: Duration
    ) async throws(TesseraError) -> Matrix {
        var message = Tessera_Worker_V1_VectorsRequest()
        message.index = index
        message.version = UInt32(clamping: version)
        message.places = places.map(\.rawValue)
        let worker = Tessera_Worker_V1_ShardWorker.Client(wrapping: client)
        let answer: Tessera_Worker_V1_VectorsResponse
        do {
            answer = try await worker.vectors(message, options: Self.options(timeout))
        } catch { throw TesseraError(worker: address.description, error) }
        let vectors = try WireFloats.matrix(
            answer.vectors, columns: dimension, "a worker's vectors")
        guard vectors.rows == places.count else {
            throw TesseraError(
                .corrupted, "worker \(address) sent \(vectors.rows) vectors of \(places.count)")
        }
        return vectors
    }

    /// What the worker's tiers have done; nil where it does not say.
    package func tierReport(timeout: Duration) async -> TierReport? {
        let worker = Tessera_Worker_V1_ShardWorker.Client(wrapping: client)
        let answer = try? await worker.statistics(.init(), options: Self.options(timeout))
        return answer?.report(of: address.description)
    }

    /// Tells the worker that a version is no longer asked for. One that cannot be told finds out by itself.
    package func retire(index: String, version: Int, timeout: Duration) async {
        var message = Tessera_Worker_V1_RetireRequest()
        message.index = index
        message.version = UInt32(clamping: version)
        let worker = Tessera_Worker_V1_ShardWorker.Client(wrapping: client)
        _ = try? await worker.retire(message, options: Self.options(timeout))
    }

    private static func options(_ timeout: Duration?) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = timeout
        options.waitForReady = false
        options.maxRequestMessageBytes = WireLimits.message
        options.maxResponseMessageBytes = WireLimits.message
        return options
    }
}
