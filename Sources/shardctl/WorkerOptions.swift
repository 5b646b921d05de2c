// Options that serve and worker share: how the two of them speak.
import ArgumentParser
import Coordinator
import SearchProtocol
import TesseraBase

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
