// How a server is set up, and the bounds it sets its clients.
package import Catalog
package import TesseraBase

/// Bounds of what clients may ask for or occupy, over HTTP.
package struct ServerLimits: Sendable {
    /// Bounds that do not depend on the protocol.
    package var service = ServiceLimits()
    /// Bytes of a body.
    package var bodyBytes = 64 << 20
    /// Open connections; further ones wait unaccepted.
    package var connections = 4096
    /// Longest time from the head of a request to the end of its body.
    package var bodyTime = Duration.seconds(20)
    /// Longest time without a request under way. The head of a request has to arrive in it.
    package var idleTime = Duration.seconds(75)
    /// Longest time in which a client takes nothing of what was written.
    package var writeTime = Duration.seconds(30)
    /// During shutdown: time for a connection that has sent no request yet to send one.
    package var farewellTime = Duration.milliseconds(500)

    package init() {}
}

/// PEM files of a certificate chain and its key.
package struct TLSFiles: Sendable {
    package let certificate: String
    package let key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// The settings of a ``CoordinatorServer``.
package struct ServerSettings: Sendable {
    package var host = "127.0.0.1"
    /// The port; 0 lets the system choose.
    package var port = 8080
    package var limits = ServerLimits()
    package var keys: AccessKeys?
    package var tls: TLSFiles?
    /// Whether other machines may reach the server without keys or without TLS.
    package var allowsAnyone = false
    package var watch = WatchSettings()
    /// Bytes of the response cache; nil for none.
    package var responseCacheBytes: Int?
    package var logsAccess = false
    /// Where and how queries are recorded; nil to record none.
    package var queryLog: QueryLogSettings?
    /// Time after SIGTERM in which requests are still accepted while clients are told to close.
    package var drain = Duration.seconds(1)
    /// Longest time after that to wait for requests under way.
    package var shutdown = Duration.seconds(30)
    /// Seed of trace ids.
    package var seed: UInt64 = 0
    /// Measures a draft before publish makes it visible.
    package var measure: Measurement = { (_: Draft) async throws(TesseraError) in
        MeasuredDraft()
    }
    /// Whether every search gets the same bytes, which a benchmark compares with.
    package var answersConstant = false
    /// Surfaces beside the native API, asked in this order for paths that it does not have.
    package var surfaces: [@Sendable (SearchService) -> any Surface] = []
    /// The clock of every decision of the server.
    package var clock = SteadyClock.system

    package init() {}

    /// Throws `invalidArgument` if other machines could reach the server without a key, or send
    /// keys and vectors unencrypted.
    package func checkSafety() throws(TesseraError) {
        let isLoopback = host == "localhost" || host == "::1" || host.hasPrefix("127.")
        guard isLoopback || keys != nil || allowsAnyone else {
            throw TesseraError(
                .invalidArgument,
                "--host \(host) can be reached from other machines without a key; give --keys FILE, or "
                    + "--insecure if every client may search and publish")
        }
        guard isLoopback || tls != nil || allowsAnyone else {
            throw TesseraError(
                .invalidArgument,
                "--host \(host) would send keys and vectors unencrypted; give --tls-certificate and "
                    + "--tls-key, or --insecure if a proxy in front encrypts")
        }
    }
}
