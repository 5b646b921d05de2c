// How a coordinator finds and asks its workers.
package import SearchProtocol
package import TesseraBase

/// The addresses that a name stands for now, or why they are unknown.
package typealias AddressesOfName = Result<[WorkerAddress], TesseraError>

/// The settings of a ``RemoteProvider``. Operators set the first three; the others have defaults
/// that rarely need a change.
package struct RemoteSettings: Sendable {
    package var workers: WorkerAddresses
    /// Number of workers that hold each shard.
    package var replication: Int
    /// Certificates of mutual TLS; nil to connect in the clear.
    package var security: MutualTLS?
    /// Longest time for a request that brings no deadline.
    package var longestSearch = Duration.seconds(30)
    /// Longest time to bring a worker's shards into its memory.
    package var longestPrepare = Duration.seconds(600)
    /// Longest time to wait for the first worker.
    package var longestJoin = Duration.seconds(15)
    /// Time between two resolutions of a DNS name.
    package var resolveInterval = Duration.seconds(5)
    /// Resolves a DNS name. It may block: it is called on a thread of the pool.
    package var resolve: @Sendable (_ name: String, _ port: Int) -> AddressesOfName = {
        name, port in
        do throws(TesseraError) {
            return .success(try NameResolution.addresses(of: name, port: port))
        } catch {
            return .failure(error)
        }
    }
    /// Time between two reminders of the shards that each worker has to hold. It must stay well
    /// below the time after which a worker drops a version that is not asked for.
    package var remindInterval = Duration.seconds(240)
    /// Bytes of opened shards that are kept for choosing lists.
    package var headBudget = 1 << 30
    /// Makes the connection to a worker. The name is the one in its certificate, if that is not the
    /// address's host.
    package var transport:
        @Sendable (WorkerAddress, MutualTLS?, _ serverName: String?) throws(TesseraError) ->
            any WorkerTransport = { address, security, serverName throws(TesseraError) in
                try GRPCWorkerTransport(address, security: security, serverName: serverName)
            }
    /// The clock of deadlines, breakers and pauses.
    package var clock = SteadyClock.system
    /// The timers of hedges and deadlines.
    package var alarms = Alarms.eventLoops

    package init(workers: WorkerAddresses, replication: Int = 1, security: MutualTLS? = nil) {
        self.workers = workers
        self.replication = replication
        self.security = security
    }
}
