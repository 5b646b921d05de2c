// Who may import whom. SwiftPM does not report the import of a module that only a dependency declares, so this
// table is what keeps the arrows one way. ARCHITECTURE.md shows it to people.

/// The import table, and the check of one file against it.
enum ImportRules {
    private static let pool: Set = ["NIOCore", "NIOPosix"]
    private static let system: Set = ["Foundation", "Synchronization", "Glibc", "Darwin"]

    private static let grpc: Set = [
        "GRPCCore", "GRPCProtobuf", "SwiftProtobuf", "GRPCNIOTransportHTTP2Posix",
    ]
    private static let service: Set = ["Logging", "ServiceLifecycle"]

    /// What the Swift files of a target may import. `Foundation` and `Synchronization` are for all;
    /// `Glibc` and `Darwin` only where files, memory or threads are touched.
    static let table: [String: Set<String>] = [
        "TesseraBase": ["Foundation", "Synchronization", "NIOCore", "NIOPosix"],
        "VectorCore": system.union(["TesseraBase", "CVectorKernels"]),
        "VectorIndex": [
            "Foundation", "Synchronization", "TesseraBase", "VectorCore", "CFaissShim",
        ],
        "ShardFile": [
            "Foundation", "Synchronization", "TesseraBase", "VectorCore", "VectorIndex", "CZstd",
        ],
        "HTTPClient": system.union(["TesseraBase", "CCurl"]),
        "ObjectStore": system.union(pool).union(["TesseraBase", "HTTPClient", "Crypto"]),
        "Catalog": ["Foundation", "Synchronization", "TesseraBase", "ObjectStore"],
        "Indexer": system.union(pool).union([
            "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
        ]),
        "SearchTypes": ["Foundation", "TesseraBase", "VectorCore", "Catalog"],
        "SearchProtocol": grpc.subtracting(["GRPCNIOTransportHTTP2Posix"]).union([
            "Foundation", "Synchronization", "TesseraBase", "VectorCore", "SearchTypes",
        ]),
        "Search": [
            "Foundation", "Synchronization", "TesseraBase", "VectorCore", "VectorIndex",
            "ShardFile", "ObjectStore", "Catalog", "SearchTypes", "ServiceLifecycle",
        ],
        "Recall": [
            "Foundation", "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore",
            "Catalog", "SearchTypes", "Search",
        ],
        "Worker": system.union(pool).union(grpc).union(service).union([
            "TesseraBase", "VectorCore", "ObjectStore", "Catalog", "SearchTypes",
            "SearchProtocol", "Search", "UnixSignals",
        ]),
        "Coordinator": system.union(pool).union(grpc).union(service).union([
            "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
            "SearchTypes", "SearchProtocol", "Search", "Crypto", "HTTPTypes", "Histogram",
            "HummingbirdCore",
            "HummingbirdTLS", "NIOSSL", "NIOHTTPTypes", "Tracing", "UnixSignals",
        ]),
        "Reporting": [
            "Foundation", "Synchronization", "TesseraBase", "VectorCore", "ShardFile",
            "ObjectStore", "Catalog", "SearchTypes", "Indexer", "Recall",
        ],
        "Planner": [
            "Foundation", "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore",
            "Catalog", "SearchTypes", "Indexer", "Search", "Recall", "Reporting",
        ],
        "Analysis": [
            "Foundation", "Synchronization", "TesseraBase", "VectorCore", "VectorIndex",
            "ShardFile", "HTTPClient", "ObjectStore", "Catalog", "SearchTypes", "Indexer",
            "Search", "Recall", "Reporting", "Planner",
        ],
        "Terminal": system.union([
            "TesseraBase", "VectorCore", "ObjectStore", "Catalog", "Reporting", "ArgumentParser",
            "UnixSignals",
        ]),
        "analyze-performance": system.union([
            "TesseraBase", "VectorCore", "ObjectStore", "Catalog", "Search", "Recall",
            "Reporting", "Planner", "Analysis", "Terminal", "ArgumentParser",
        ]),
        "shardctl": system.union(pool).union(service).union([
            "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
            "SearchTypes", "SearchProtocol", "Indexer", "Search", "Recall", "Worker",
            "Coordinator", "Reporting", "Analysis", "Terminal", "ArgumentParser",
        ]),
    ]

    /// Targets without Swift: C code and module maps.
    static let cTargets: Set = ["CVectorKernels", "CFaissShim", "CZstd", "CCurl"]

    /// The modules a Swift file imports.
    static func imports(of text: String) -> [String] {
        let modifiers: Set = ["package", "public", "internal", "fileprivate", "private"]
        let kinds: Set = ["typealias", "struct", "class", "enum", "protocol", "let", "var", "func"]
        return CodeOnly.lines(of: text).compactMap { line in
            var words = line.split { $0 == " " || $0 == ";" }
            while let first = words.first, first.hasPrefix("@") || modifiers.contains(String(first))
            {
                words.removeFirst()
            }
            guard words.count > 1, words[0] == "import" else { return nil }
            let module = kinds.contains(String(words[1])) && words.count > 2 ? words[2] : words[1]
            return module.split(separator: ".").first.map(String.init)
        }
    }

    /// What is wrong with the imports of a file under `Sources`.
    static func complaints(_ file: TextFile) -> [String] {
        guard file.isSwift, let target = file.target else { return [] }
        guard let allowed = table[target] else {
            return ["\(file.path): target \(target) is not in the import table"]
        }
        return imports(of: file.text).filter { !allowed.contains($0) }.map {
            "\(file.path): \(target) must not import \($0); ARCHITECTURE.md has the table"
        }
    }

    /// Each C module is imported in one folder.
    static func cModuleComplaints(_ files: [TextFile]) -> [String] {
        cTargets.sorted().flatMap { module -> [String] in
            let users = files.filter {
                $0.target != nil && $0.isSwift && imports(of: $0.text).contains(module)
            }
            let folders = Set(users.map { $0.path.split(separator: "/").dropLast() })
            guard folders.count > 1 else { return [] }
            return ["\(module) is imported by \(users.map(\.path)): it belongs in one folder"]
        }
    }
}
