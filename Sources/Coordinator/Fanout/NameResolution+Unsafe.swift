// Resolves names by the system's resolver.
import Foundation
import TesseraBase

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The system's resolver. It blocks, so it is called on a thread of a pool.
enum NameResolution {
    /// The addresses of `name`, ascending, each once. Throws `unavailable` if it does not resolve.
    static func addresses(of name: String, port: Int) throws(TesseraError) -> [WorkerAddress] {
        do throws(TesseraError) {
            return try addresses(of: name, port: port, family: AF_INET)
        } catch {
            // A machine with addresses of both families would count as two workers. So IPv6 is used
            // only for names without an IPv4 address.
            return try addresses(of: name, port: port, family: AF_INET6)
        }
    }

    private static func addresses(of name: String, port: Int, family: Int32)
        throws(TesseraError) -> [WorkerAddress]
    {
        var hints = addrinfo()
        hints.ai_family = family
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var first: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(name, nil, &hints, &first)
        defer { if let first { freeaddrinfo(first) } }
        guard status == 0 else {
            throw TesseraError(
                .unavailable,
                "no addresses for worker name '\(name)': \(String(cString: gai_strerror(status)))")
        }
        var found: Set<WorkerAddress> = []
        var next = first
        while let entry = next {
            if let text = numeric(entry.pointee) {
                found.insert(WorkerAddress(host: text, port: port))
            }
            next = entry.pointee.ai_next
        }
        return found.sorted()
    }

    private static func numeric(_ entry: addrinfo) -> String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        guard
            getnameinfo(
                entry.ai_addr, entry.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                NI_NUMERICHOST) == 0
        else { return nil }
        return String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
