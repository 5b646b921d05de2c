// How a coordinator finds and asks its workers.
package import SearchProtocol
package import TesseraBase

/// What a name stands for now, or why nobody knows.
package typealias AddressesOfName = Result<[WorkerAddress], TesseraError>

/// What a person decides about the workers, and what hardly anybody should.
package struct RemoteSettings: Sendable {
    package var workers: WorkerAddresses
    /// Workers that hold each shard.
    package var replication: Int
    /// Nil speaks in the clear.
    package var security: MutualTLS?
    /// Of a request that brings no deadline.
    package var longestSearch = Duration.seconds(30)
    /// Of bringing a worker's shards into memory.
    package var longestPrepare = Duration.seconds(600)
    /// How long the first worker is waited for.
    package var longestJoin = Duration.seconds(15)
    /// Between two looks at what a DNS name stands for.
    package var resolveInterval = Duration.seconds(5)
    /// The addresses a DNS name stands for; blocks, and is called on a pool of threads.
    package var resolve: @Sendable (_ name: String, _ port: Int) -> AddressesOfName = {
        name, port in
        do throws(TesseraError) {
            return .success(try NameResolution.addresses(of: name, port: port))
        } catch {
            return .failure(error)
        }
    }
    /// Between two reminders to the workers of what they are to hold; well below what makes them let go of it.
    package var remindInterval = Duration.seconds(240)
    /// Bytes of opened shards that are kept for choosing lists.
    package var headBudget = 1 << 30

    package init(workers: WorkerAddresses, replication: Int = 1, security: MutualTLS? = nil) {
        self.workers = workers
        self.replication = replication
        self.security = security
    }
}
