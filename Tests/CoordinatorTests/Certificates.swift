// Certificates of an authority made for one test, and one of another authority.
import Foundation
import SearchProtocol
import TestSupport

/// Files in a test's folder: `worker` and `coordinator` are signed by the authority both trust,
/// `stranger` by itself.
struct Certificates {
    private let folder: TemporaryFolder

    init(in folder: TemporaryFolder) throws {
        self.folder = folder
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        let address = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
        for name in ["authority", "stranger"] {
            try run(
                ["req", "-x509", "-days", "2", "-subj", "/CN=\(name)"] + curve + address
                    + ["-keyout", path("\(name).key"), "-out", path("\(name).pem")])
        }
        for name in ["worker", "coordinator"] {
            try run(
                ["req", "-subj", "/CN=\(name)"] + curve + address
                    + ["-keyout", path("\(name).key"), "-out", path("\(name).csr")])
            try run([
                "x509", "-req", "-days", "2", "-in", path("\(name).csr"), "-copy_extensions",
                "copyall", "-CA", path("authority.pem"), "-CAkey", path("authority.key"),
                "-CAcreateserial", "-out", path("\(name).pem"),
            ])
        }
    }

    func tls(of name: String) -> MutualTLS {
        MutualTLS(
            certificate: path("\(name).pem"), key: path("\(name).key"),
            authority: path("authority.pem"))
    }

    /// The same as a command line.
    func arguments(of name: String) -> [String] {
        let files = tls(of: name)
        return [
            "--worker-certificate", files.certificate, "--worker-key", files.key,
            "--worker-authority", files.authority,
        ]
    }

    func path(_ name: String) -> String { folder.path(name) }

    private func run(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw WorkerDidNotStart(description: "openssl \(arguments[0]) failed")
        }
    }
}
