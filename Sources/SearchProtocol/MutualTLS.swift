// The certificate files by which coordinator and workers authenticate each other.

/// Paths of PEM files. Each side shows a certificate, and the other side checks it.
package struct MutualTLS: Sendable, Equatable {
    /// This side's certificate chain.
    package var certificate: String
    /// The certificate's private key.
    package var key: String
    /// The authority that must have signed the other side's certificate.
    package var authority: String

    package init(certificate: String, key: String, authority: String) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
    }
}
