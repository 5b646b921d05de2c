// How a server is set up, and what it puts up with.
package import Catalog
package import TesseraBase

/// Bounds of what clients may ask for or occupy.
package struct ServerLimits: Sendable {
    /// Bytes of a body.
    package var bodyBytes = 64 << 20
    /// Results a query.
    package var results = 1000
    /// Queries a request.
    package var batch = 1000
    /// Requests that are worked on at once, and that may wait for that.
    package var running = 256
    package var waiting = 1024
    /// Open connections; further ones wait unaccepted.
    package var connections = 4096
    /// For a search that names none.
    package var deadline = Duration.seconds(30)
    /// From the head of a request to the end of its body.
    package var bodyTime = Duration.seconds(20)
    /// Between requests, before the first, and for the head of one.
    package var idleTime = Duration.seconds(75)
    /// For a client to take up what was written.
    package var writeTime = Duration.seconds(30)
    /// While the server ends: for a connection that has asked nothing to do so.
    package var farewellTime = Duration.milliseconds(500)

    package init() {}
}

/// Files of a certificate chain and its key, PEM.
package struct TLSFiles: Sendable {
    package let certificate: String
    package let key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// All that ``CoordinatorServer`` needs to know.
package struct ServerSettings: Sendable {
    package var host = "127.0.0.1"
    /// 0 lets the system choose.
    package var port = 8080
    package var limits = ServerLimits()
    package var keys: AccessKeys?
    package var tls: TLSFiles?
    /// Whether it may be reached from elsewhere without keys.
    package var allowsAnyone = false
    package var watch = WatchSettings()
    /// Bytes of the response cache; nil for none.
    package var responseCacheBytes: Int?
    package var logsAccess = false
    /// Where queries are recorded; nil for nowhere.
    package var queryLog: QueryLogSettings?
    /// After a signal to end: requests are still accepted, and told to close their connection.
    package var drain = Duration.seconds(1)
    /// After that: the longest that requests under way are waited for.
    package var shutdown = Duration.seconds(30)
    /// Of trace ids.
    package var seed: UInt64 = 0
    /// Of what publish makes visible.
    package var measure: Measurement = { (_: Draft) async throws(TesseraError) in
        MeasuredDraft()
    }
    /// Answers every search with the same bytes: what a benchmark compares with.
    package var answersConstant = false

    package init() {}

    /// Throws `invalidArgument` where everybody could reach a server that asks nobody for a key.
    package func checkSafety() throws(TesseraError) {
        let isLoopback = host == "localhost" || host == "::1" || host.hasPrefix("127.")
        guard isLoopback || keys != nil || allowsAnyone else {
            throw TesseraError(
                .invalidArgument,
                "--host \(host) can be reached from other machines and no keys are asked for; give --keys FILE, "
                    + "or --insecure where everybody may search and publish")
        }
        guard isLoopback || tls != nil || allowsAnyone else {
            throw TesseraError(
                .invalidArgument,
                "--host \(host) would send keys and vectors unencrypted; give --tls-certificate and --tls-key, "
                    + "or --insecure where something in front does that")
        }
    }
}
