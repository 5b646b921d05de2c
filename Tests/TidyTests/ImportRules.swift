// The import table. SwiftPM does not report the import of a module that only a dependency declares,
// so this table is what keeps the arrows one way. ARCHITECTURE.md shows it to people.

/// The import table, and the check of one file against it.
enum ImportRules {
    /// Modules that every target may import besides its row.
    private static let everywhere: Set = ["Foundation", "Synchronization"]

    /// The modules that the Swift files of a target import: our own in the order of the arrows,
    /// then those of packages and the system.
    static let table: [String: Set<String>] = [
        "TesseraBase": ["Glibc", "NIOCore", "NIOPosix"],
        "VectorCore": ["TesseraBase", "CVectorKernels", "Darwin", "Glibc"],
        "VectorIndex": ["TesseraBase", "CFaissShim", "VectorCore"],
        "ShardFile": ["TesseraBase", "CZstd", "VectorCore", "VectorIndex"],
        "HTTPClient": ["TesseraBase", "CCurl", "Glibc"],
        "ObjectStore": ["TesseraBase", "HTTPClient", "Crypto", "Glibc", "NIOPosix"],
        "Catalog": ["TesseraBase", "ObjectStore"],
        "SearchTypes": ["TesseraBase", "VectorCore", "Catalog"],
        "SearchProtocol": [
            "TesseraBase", "VectorCore", "SearchTypes", "FoundationEssentials", "GRPCCore",
            "GRPCProtobuf", "SwiftProtobuf",
        ],
        "Indexer": [
            "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
        ],
        "Search": [
            "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
            "SearchTypes", "ServiceLifecycle",
        ],
        "Recall": [
            "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
            "SearchTypes", "Search",
        ],
        "Worker": [
            "TesseraBase", "VectorCore", "ObjectStore", "Catalog", "SearchTypes", "SearchProtocol",
            "Search", "GRPCCore", "GRPCNIOTransportHTTP2Posix", "Logging", "NIOCore", "NIOPosix",
            "ServiceLifecycle", "UnixSignals",
        ],
        "Coordinator": [
            "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
            "SearchTypes", "SearchProtocol", "Search", "Crypto", "Darwin", "GRPCCore",
            "GRPCNIOTransportHTTP2Posix", "Glibc", "HTTPTypes", "Histogram", "HummingbirdCore",
            "HummingbirdTLS", "Logging", "NIOCore", "NIOHTTPTypes", "NIOPosix", "NIOSSL",
            "ServiceLifecycle", "Tracing", "UnixSignals",
        ],
        "Reporting": [
            "TesseraBase", "VectorCore", "ShardFile", "ObjectStore", "Catalog", "SearchTypes",
            "Indexer", "Recall",
        ],
        "Planner": [
            "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
            "SearchTypes", "Indexer", "Search", "Recall", "Reporting",
        ],
        "Analysis": [
            "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "HTTPClient", "ObjectStore",
            "Catalog", "SearchTypes", "Indexer", "Search", "Recall", "Reporting", "Planner",
        ],
        "Terminal": [
            "TesseraBase", "VectorCore", "ObjectStore", "Catalog", "Reporting", "ArgumentParser",
            "Glibc", "UnixSignals",
        ],
        "analyze-performance": [
            "TesseraBase", "VectorCore", "ObjectStore", "Catalog", "Recall", "Reporting", "Planner",
            "Analysis", "Terminal", "ArgumentParser",
        ],
        "shardctl": [
            "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
            "SearchTypes", "SearchProtocol", "Indexer", "Search", "Recall", "Worker", "Coordinator",
            "Reporting", "Analysis", "Terminal", "ArgumentParser", "Glibc", "Logging",
            "ServiceLifecycle",
        ],
    ]

    /// Targets without Swift: C code and module maps.
    static let cTargets: Set = ["CVectorKernels", "CFaissShim", "CZstd", "CCurl"]

    /// The modules that a Swift file imports.
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

    /// Forbidden imports of a file under `Sources`.
    static func complaints(_ file: TextFile) -> [String] {
        guard file.isSwift, let target = file.target else { return [] }
        guard let allowed = table[target] else {
            return ["\(file.path): target \(target) is not in the import table"]
        }
        return imports(of: file.text).filter { !allowed.union(everywhere).contains($0) }.map {
            "\(file.path): \(target) must not import \($0); ARCHITECTURE.md has the table"
        }
    }

    /// Modules of HTTP, which the coordinator's service does without: any API can stand on it.
    private static let http: Set = [
        "HTTPTypes", "HummingbirdCore", "HummingbirdTLS", "NIOCore", "NIOHTTPTypes", "NIOSSL",
    ]

    /// What is wrong with the imports of a file of the coordinator's service.
    static func serviceComplaints(_ file: TextFile) -> [String] {
        guard file.path.hasPrefix("Sources/Coordinator/Service/") else { return [] }
        return imports(of: file.text).filter(http.contains).map {
            "\(file.path): the service must not import \($0); HTTP belongs to a surface"
        }
    }

    /// Modules in the table that no file of their target imports.
    ///
    /// - Parameter files: those of the whole repository, generated ones too.
    static func unusedRows(
        _ files: [TextFile], table: [String: Set<String>] = table
    ) -> [String] {
        table.sorted { $0.key < $1.key }.flatMap { target, allowed -> [String] in
            let own = files.filter { $0.isSwift && $0.target == target }
            let used = Set(own.flatMap { imports(of: $0.text) })
            return allowed.subtracting(used).sorted().map {
                "import table: no file of \(target) imports \($0); take it out of the row"
            }
        }
    }

    /// C modules that are imported in more than one folder.
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
