// The files by which coordinator and workers prove to each other who they are.

/// Paths of PEM files. Both sides show a certificate that the other checks.
package struct MutualTLS: Sendable, Equatable {
    package var certificate: String
    package var key: String
    /// Who must have signed the other side's certificate.
    package var authority: String

    package init(certificate: String, key: String, authority: String) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
    }
}
