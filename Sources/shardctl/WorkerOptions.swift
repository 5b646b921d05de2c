// Options that serve and worker share.
import ArgumentParser
import Coordinator
import Foundation
import Logging
import ObjectStore
import Search
import SearchProtocol
import SearchTypes
import TesseraBase

/// The files of mutual TLS between coordinator and workers.
struct WorkerTLSOptions: ParsableArguments {
    @Option(help: "PEM file with the certificate shown to the other side, coordinator or worker.")
    var workerCertificate: String?

    @Option(help: "PEM file with the certificate's private key.")
    var workerKey: String?

    @Option(help: "PEM file with the authority that must have signed the other side's certificate.")
    var workerAuthority: String?

    /// The files; nil if none is given. Throws `invalidArgument` if only some are.
    func files() throws(TesseraError) -> MutualTLS? {
        let given = [workerCertificate, workerKey, workerAuthority].compactMap { $0 }
        guard !given.isEmpty else { return nil }
        guard given.count == 3 else {
            throw TesseraError(
                .invalidArgument,
                "--worker-certificate, --worker-key and --worker-authority are given all or none")
        }
        return MutualTLS(certificate: given[0], key: given[1], authority: given[2])
    }
}

/// The memory for shards, and the file that remembers access frequencies.
struct ServingMemoryOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: "Megabytes of shards kept in memory; three fifths of what there is unless given.")
    var memoryMegabytes: Int?

    @Option(
        help:
            "A folder that remembers which shards are asked for, over a restart; --cache unless given."
    )
    var heat: String?

    /// The memory in bytes. Throws `invalidArgument` out of range.
    func budget() throws(TesseraError) -> Int {
        guard let given = memoryMegabytes else { return ServingOptions.defaultMemoryBudget() }
        guard (1...100_000_000).contains(given) else {
            throw TesseraError(
                .invalidArgument,
                "--memory-megabytes \(given) is out of range; give 1 to 100000000")
        }
        return given * 1_000_000
    }

    func heatFolder(_ place: StoreOptions) -> String? {
        (heat ?? place.cache).map { URL(filePath: $0).path }
    }
}

/// Where searches run for serve: in this process, or on workers.
struct WorkersOptions: ParsableArguments {
    @Option(
        help:
            "Workers that search, host:port,host:port,… or dns:name:port; this process unless given."
    )
    var workers: String?

    @Option(parsing: .unconditional, help: "Workers that hold each shard.")
    var replication = 1

    @OptionGroup var tls: WorkerTLSOptions
    @OptionGroup var memory: ServingMemoryOptions

    func provider(
        _ place: StoreOptions, _ opened: OpenedStore, pool: WorkPool, logger: Logger
    ) throws(TesseraError) -> any BackendProvider {
        guard let workers else {
            let options = ServingOptions(
                memoryBudget: try memory.budget(), heatFolder: memory.heatFolder(place))
            return LocalProvider(opened, pool: pool, options: options)
        }
        guard memory.memoryMegabytes == nil, memory.heat == nil else {
            throw TesseraError(
                .invalidArgument,
                "--memory-megabytes and --heat belong to the processes that hold shards; give them to the workers"
            )
        }
        let remote = RemoteSettings(
            workers: try WorkerAddresses(workers), replication: replication,
            security: try tls.files())
        return try RemoteProvider(remote, store: opened.store, pool: pool, logger: logger)
    }
}
