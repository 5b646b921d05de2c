// Options that serve and worker share: how the two of them speak.
import ArgumentParser
import Coordinator
import Logging
import ObjectStore
import SearchProtocol
import TesseraBase
import Worker

/// The files of mutual TLS between coordinator and workers.
struct WorkerTLSOptions: ParsableArguments {
    @Option(help: "PEM file with the certificate shown to the other side, coordinator or worker.")
    var workerCertificate: String?

    @Option(help: "PEM file with the certificate's private key.")
    var workerKey: String?

    @Option(help: "PEM file with the authority that must have signed the other side's certificate.")
    var workerAuthority: String?

    /// Nil where none is given; throws `invalidArgument` where some are.
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

/// Who searches for serve: this process, or workers elsewhere.
struct WorkersOptions: ParsableArguments {
    @Option(
        help:
            "Workers that search, host:port,host:port,… or dns:name:port; this process unless given."
    )
    var workers: String?

    @Option(parsing: .unconditional, help: "Workers that hold each shard.")
    var replication = 1

    @OptionGroup var tls: WorkerTLSOptions

    func provider(
        _ opened: OpenedStore, pool: WorkPool, logger: Logger
    ) throws(TesseraError) -> any BackendProvider {
        guard let workers else { return LocalProvider(store: opened.store, pool: pool) }
        let remote = RemoteSettings(
            workers: try WorkerAddresses(workers), replication: replication,
            security: try tls.files())
        return try RemoteProvider(remote, store: opened.store, pool: pool, logger: logger)
    }
}
