// The native API's paths and methods. openapi.json has the same list; a test compares them.
//
// Hummingbird's router would bring a request context and a logger for each request, and its path
// trie is not part of its public interface. Thirteen routes with one parameter need neither.
package import HTTPTypes

/// One route of the native API, with the index it names.
package enum Route: SurfaceRoute, Equatable {
    case listIndexes
    case index(String)
    case versions(String)
    case shards(String)
    case search(String)
    case publish(String)
    case rollback(String)
    case health, ready, stats, metrics, openapi, page

    /// All routes, with paths as openapi.json writes them.
    package static let table: [(method: HTTPRequest.Method, template: String)] = [
        (.get, "/v1/indexes"), (.get, "/v1/indexes/{name}"), (.get, "/v1/indexes/{name}/versions"),
        (.get, "/v1/indexes/{name}/shards"), (.post, "/v1/indexes/{name}/search"),
        (.post, "/v1/indexes/{name}/versions:publish"),
        (.post, "/v1/indexes/{name}/versions:rollback"), (.get, "/health"), (.get, "/ready"),
        (.get, "/stats"), (.get, "/metrics"), (.get, "/openapi.json"), (.get, "/"),
    ]

    /// The one method that the route takes.
    package var method: HTTPRequest.Method {
        switch self {
        case .search, .publish, .rollback: .post
        default: .get
        }
    }

    package var takesBody: Bool { method == .post }

    package var isSearch: Bool { if case .search = self { true } else { false } }

    package var access: Access? {
        switch self {
        case .health, .ready, .openapi, .page: nil
        case .publish, .rollback: .admin
        default: .read
        }
    }

    private static let indexes = "/v1/indexes/"

    /// The route of a request's target, whatever its query; nil for an unknown path.
    package init?(path: String) {
        let path = path.utf8.contains(UInt8(ascii: "?")) ? String(path.prefix { $0 != "?" }) : path
        guard path.hasPrefix(Self.indexes) else {
            switch path {
            case "/v1/indexes": self = .listIndexes
            case "/health": self = .health
            case "/ready": self = .ready
            case "/stats": self = .stats
            case "/metrics": self = .metrics
            case "/openapi.json": self = .openapi
            case "/": self = .page
            default: return nil
            }
            return
        }
        let rest = path.utf8.dropFirst(Self.indexes.utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else {
            guard !rest.isEmpty else { return nil }
            self = .index(String(Substring(rest)))
            return
        }
        let name = String(Substring(rest[..<slash]))
        guard !name.isEmpty else { return nil }
        switch Substring(rest[rest.index(after: slash)...]) {
        case "search": self = .search(name)
        case "versions": self = .versions(name)
        case "shards": self = .shards(name)
        case "versions:publish": self = .publish(name)
        case "versions:rollback": self = .rollback(name)
        default: return nil
        }
    }
}
