// The connection to one worker, as ``WorkerLink`` uses it. gRPC is one transport; tests have one in
// memory.
package import GRPCCore
package import SearchProtocol

/// A connection to one worker, and the calls that can be made over it.
///
/// Each call throws the worker's error, and `unavailable` without a connection.
package protocol WorkerTransport: Sendable {
    /// Runs the link's tasks, so that a call needs no change of threads.
    var executor: any TaskExecutor { get }

    /// Keeps the connection until the task is cancelled or the connection ends for good.
    func run() async

    /// Watches the worker's health and passes on each status, until the watch ends.
    func watchHealth(
        _ changed: @escaping @Sendable (_ isServing: Bool) async -> Void
    ) async throws(RPCError)

    /// Carries many searches over one call: sends what `outbox` yields, and passes on each answer.
    /// Returns or throws when the call has ended.
    func searchMany(
        _ outbox: AsyncStream<Tessera_Worker_V1_NumberedSearch>,
        _ take: @escaping @Sendable (Tessera_Worker_V1_NumberedAnswer) -> Void
    ) async throws(RPCError)

    /// Searches parts by a call of its own.
    func search(
        _ request: WireSearchRequest, timeout: Duration
    ) async throws(RPCError) -> WireSearchResponse

    /// Brings shards into the worker's memory.
    func prepare(
        _ request: Tessera_Worker_V1_PrepareRequest, timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_PrepareResponse

    /// Looks up the vector of an id.
    func lookup(
        _ request: Tessera_Worker_V1_LookupRequest, timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_LookupResponse

    /// Reads the vectors of rows.
    func vectors(
        _ request: Tessera_Worker_V1_VectorsRequest, timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_VectorsResponse

    /// Reads the counts of the worker's tiers.
    func statistics(
        timeout: Duration
    ) async throws(RPCError) -> Tessera_Worker_V1_StatisticsResponse

    /// Tells the worker that a version is no longer needed.
    func retire(
        _ request: Tessera_Worker_V1_RetireRequest, timeout: Duration
    ) async throws(RPCError)
}
