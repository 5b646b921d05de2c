// One worker as the coordinator knows it: its connection, whether it is well, and how fast it answers.
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
package import SearchProtocol
import Synchronization
package import TesseraBase
package import VectorCore

/// A connection to one worker. It is asked only while it says it serves and its breaker is closed.
package final class WorkerLink: Sendable {
    private typealias Transport = HTTP2ClientTransport.Posix

    /// How long the health service is left alone after it failed, at first and at most.
    private static let pauses = (first: Duration.milliseconds(100), longest: Duration.seconds(1))

    private struct State {
        var isServing = false
        var breaker = CircuitBreaker()
        var latencies = LatencyWindow()
    }

    package let address: WorkerAddress
    private let client: GRPCClient<Transport>
    private let state = Mutex(State())
    private let stopped: (stream: AsyncStream<Never>, end: AsyncStream<Never>.Continuation)

    /// - Parameter serverName: the name in the worker's certificate, where that is not the address's host.
    /// - Throws: `invalidArgument` where the certificates cannot be used.
    package init(_ address: WorkerAddress, security: MutualTLS?, serverName: String?)
        throws(TesseraError)
    {
        self.address = address
        let (stream, end) = AsyncStream.makeStream(of: Never.self)
        stopped = (stream, end)
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
                    transportSecurity: Self.security(security), config: config))
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
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [client] in try? await client.runConnections() }
            group.addTask { await self.watch(joined) }
            group.addTask { [stopped] in for await _ in stopped.stream {} }
            // The connection's own end, a stop and a cancellation all mean the same.
            await group.next()
            group.cancelAll()
        }
        state.withLock { $0.isServing = false }
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
                    }
                }
                pause = Self.pauses.first
            } catch {
                pause = min(pause * 2, Self.pauses.longest)
            }
            state.withLock { $0.isServing = false }
            try? await Task.sleep(for: pause)
        }
    }

    package var isServing: Bool { state.withLock { $0.isServing } }

    /// Whether a request may go to this worker now; if so it must be sent by ``search(_:timeout:)``.
    package func admits() -> Bool {
        state.withLock { $0.isServing && $0.breaker.admits(at: .now) }
    }

    /// What 95 of 100 of the latest requests were answered within.
    package var percentile95: Duration? { state.withLock { $0.latencies }.percentile95 }

    /// Searches parts. Throws what the worker answers, and `unavailable` where it does not.
    package func search(_ message: WireSearchRequest, timeout: Duration)
        async throws(TesseraError) -> WireSearchResponse
    {
        let worker = Tessera_Worker_V1_ShardWorker.Client(wrapping: client)
        let start = ContinuousClock.now
        do {
            let response = try await worker.search(message, options: Self.options(timeout))
            state.withLock { state in
                state.latencies.add(ContinuousClock.now - start)
                state.breaker.succeeded()
            }
            return response
        } catch {
            count(error, after: ContinuousClock.now - start)
            throw TesseraError(worker: address.description, error)
        }
    }

    /// A deadline that was too short from the start says nothing about the worker.
    private static let patience = Duration.seconds(1)

    private func count(_ error: any Error, after wait: Duration) {
        let isFault =
            switch (error as? RPCError)?.code {
            case .unavailable, .internalError, .unknown: !Task.isCancelled
            case .deadlineExceeded: wait >= Self.patience
            default: false
            }
        state.withLock { state in
            if isFault {
                state.breaker.failed(at: .now)
            } else {
                state.breaker.abandoned(at: .now)
            }
        }
    }

    /// Has the worker bring shards into memory; the number that are there. Throws as ``search(_:timeout:)``.
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

    /// The vector of an id, nil for an unknown id. Throws as ``search(_:timeout:)``.
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

    /// The vectors of rows, `[places][dimension]`. Throws as ``search(_:timeout:)``, `unsupported` also where the worker is of
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

    private static func options(_ timeout: Duration) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = timeout
        options.waitForReady = false
        options.maxRequestMessageBytes = WireLimits.message
        options.maxResponseMessageBytes = WireLimits.message
        return options
    }
}
