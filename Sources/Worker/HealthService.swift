// The standard gRPC health service, which probes and coordinators watch.
import GRPCCore
import SearchProtocol
import Synchronization

/// Reports whether the worker serves. Watchers receive each change immediately.
final class HealthService: Sendable {
    private struct State {
        var isServing = true
        var watchers: [Int: AsyncStream<Bool>.Continuation] = [:]
        var nextNumber = 0
    }

    private static let serviceNames: Set = ["", "tessera.worker.v1.ShardWorker"]
    private let state = Mutex(State())

    /// Reports from now on that the worker does not serve; ends the watchers' calls.
    func stopServing() {
        let watchers = state.withLock { state in
            state.isServing = false
            defer { state.watchers = [:] }
            return state.watchers.values
        }
        for watcher in watchers {
            watcher.yield(false)
            watcher.finish()
        }
    }

    /// A stream of the current state and each change.
    private func changes() -> AsyncStream<Bool> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Bool.self, bufferingPolicy: .bufferingNewest(4))
        state.withLock { state in
            continuation.yield(state.isServing)
            guard state.isServing else { return continuation.finish() }
            let number = state.nextNumber
            state.nextNumber += 1
            state.watchers[number] = continuation
            continuation.onTermination = { [weak self] _ in
                self?.state.withLock { $0.watchers[number] = nil }
            }
        }
        return stream
    }
}

extension HealthService: Grpc_Health_V1_Health.SimpleServiceProtocol {
    func check(request: Grpc_Health_V1_HealthCheckRequest, context: ServerContext) async throws
        -> Grpc_Health_V1_HealthCheckResponse
    {
        guard Self.serviceNames.contains(request.service) else {
            throw RPCError(code: .notFound, message: "no service '\(request.service.prefix(80))'")
        }
        return Self.response(state.withLock { $0.isServing })
    }

    func watch(
        request: Grpc_Health_V1_HealthCheckRequest,
        response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>, context: ServerContext
    ) async throws {
        guard Self.serviceNames.contains(request.service) else {
            var unknown = Grpc_Health_V1_HealthCheckResponse()
            unknown.status = .serviceUnknown
            return try await response.write(unknown)
        }
        for await isServing in changes() { try await response.write(Self.response(isServing)) }
    }

    private static func response(_ isServing: Bool) -> Grpc_Health_V1_HealthCheckResponse {
        var response = Grpc_Health_V1_HealthCheckResponse()
        response.status = isServing ? .serving : .notServing
        return response
    }
}
