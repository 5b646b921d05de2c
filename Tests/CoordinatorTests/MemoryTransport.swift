// A worker in memory: a test reads the searches that arrive and decides what is answered, and when.
import Coordinator
import GRPCCore
import SearchProtocol
import Synchronization
import TesseraBase

/// The connection to a scripted worker, which serves as long as it is connected.
final class MemoryTransport: WorkerTransport {
    private struct State {
        var arrived: [Tessera_Worker_V1_NumberedSearch] = []
        var count = 0
        var take: (@Sendable (Tessera_Worker_V1_NumberedAnswer) -> Void)?
    }

    let executor: any TaskExecutor = globalConcurrentExecutor
    private let state = Mutex(State())

    /// Searches that have arrived since the start.
    var count: Int { state.withLock { $0.count } }

    /// Whether the search stream is open.
    var isOpen: Bool { state.withLock { $0.take != nil } }

    /// Waits for the next search and takes it.
    func next() async -> Tessera_Worker_V1_NumberedSearch {
        while true {
            let search = state.withLock { $0.arrived.isEmpty ? nil : $0.arrived.removeFirst() }
            if let search { return search }
            await Task.yield()
        }
    }

    /// Answers a search: each part with one hit of its first shard, named by this worker.
    func answer(_ search: Tessera_Worker_V1_NumberedSearch, named id: String) {
        var answer = Tessera_Worker_V1_NumberedAnswer()
        answer.number = search.number
        for part in search.request.partLists.indices {
            answer.response.partHits.append(1)
            answer.response.places.append(UInt64(search.request.shards[part]) << 32)
            answer.response.distances.append(0)
            answer.response.ids.append(id)
            answer.response.costs.append(.init())
        }
        deliver(answer)
    }

    /// Fails a search.
    func fail(_ search: Tessera_Worker_V1_NumberedSearch, _ code: Status.Code) {
        var answer = Tessera_Worker_V1_NumberedAnswer()
        answer.number = search.number
        answer.failure = UInt32(code.rawValue)
        answer.message = "as scripted"
        deliver(answer)
    }

    private func deliver(_ answer: Tessera_Worker_V1_NumberedAnswer) {
        state.withLock { $0.take }?(answer)
    }

    // MARK: WorkerTransport

    func run() async { await Self.untilCancelled() }

    func watchHealth(
        _ changed: @escaping @Sendable (_ isServing: Bool) async -> Void
    ) async throws(RPCError) {
        await changed(true)
        await Self.untilCancelled()
    }

    func searchMany(
        _ outbox: AsyncStream<Tessera_Worker_V1_NumberedSearch>,
        _ take: @escaping @Sendable (Tessera_Worker_V1_NumberedAnswer) -> Void
    ) async throws(RPCError) {
        state.withLock { $0.take = take }
        for await search in outbox {
            state.withLock { state in
                state.arrived.append(search)
                state.count += 1
            }
        }
    }

    /// Refused, so that a test notices a search that did not go over the stream.
    func search(
        _ request: WireSearchRequest, timeout: Duration
    ) async throws(RPCError) -> WireSearchResponse {
        throw RPCError(code: .failedPrecondition, message: "a call of its own")
    }

    func prepare(
        _ request: Tessera_Worker_V1_PrepareRequest, timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_PrepareResponse { .init() }

    func lookup(
        _ request: Tessera_Worker_V1_LookupRequest, timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_LookupResponse { .init() }

    func vectors(
        _ request: Tessera_Worker_V1_VectorsRequest, timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_VectorsResponse { .init() }

    func statistics(
        timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_StatisticsResponse { .init() }

    func retire(
        _ request: Tessera_Worker_V1_RetireRequest, timeout: Duration
    ) async throws(RPCError) {}

    private static func untilCancelled() async {
        let (stream, end) = AsyncStream.makeStream(of: Never.self)
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            end.finish()
        }
    }
}
