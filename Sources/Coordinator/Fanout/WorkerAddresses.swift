// The workers' addresses as operators write them: a list of host:port, or a DNS name for all.
package import TesseraBase

/// The host and port of a worker.
package struct WorkerAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let host: String
    package let port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port` or `[IPv6]:port`. Throws `invalidArgument` for anything else.
    package init(_ text: some StringProtocol) throws(TesseraError) {
        guard let colon = text.lastIndex(of: ":"), colon > text.startIndex,
            let port = Int(text[text.index(after: colon)...]), (1...65_535).contains(port)
        else {
            throw TesseraError(
                .invalidArgument, "'\(text)' is not a worker's address; give host:port")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw TesseraError(
                .invalidArgument, "'\(text)': put an IPv6 address in brackets, [::1]:7171")
        }
        guard !host.isEmpty, host.allSatisfy({ $0.isASCII && !$0.isWhitespace && $0 != "/" }) else {
            throw TesseraError(
                .invalidArgument, "'\(text)' is not a worker's address; give host:port")
        }
        self.init(host: String(host), port: port)
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    package static func < (left: WorkerAddress, right: WorkerAddress) -> Bool {
        (left.host, left.port) < (right.host, right.port)
    }
}

/// All workers, by their addresses or by one name.
package enum WorkerAddresses: Sendable, Equatable {
    case list([WorkerAddress])
    /// A name whose every address is a worker. It is resolved again and again, as a headless
    /// service in Kubernetes needs it.
    case name(String, port: Int)

    /// Reads `host:port,host:port,…` or `dns:name:port`. Throws `invalidArgument` for anything
    /// else.
    package init(_ text: String) throws(TesseraError) {
        if text.hasPrefix("dns:") {
            let address = try WorkerAddress(text.dropFirst(4))
            self = .name(address.host, port: address.port)
            return
        }
        var addresses: [WorkerAddress] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let address = try WorkerAddress(part)
            guard !addresses.contains(address) else {
                throw TesseraError(.invalidArgument, "worker \(address) is named twice")
            }
            addresses.append(address)
        }
        self = .list(addresses.sorted())
    }
}
