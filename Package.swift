// swift-tools-version: 6.2
import PackageDescription

// Who may import whom is written down in ARCHITECTURE.md and held by Tests/TidyTests.

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// Every target of our own has strict memory safety but these, whose many uses of raw memory are
/// not marked with `unsafe` yet. Their raw pointers are confined to `+Unsafe.swift` files.
let unmarkedTargets: Set = [
    "VectorCore", "VectorIndex", "HTTPClient", "ObjectStore", "Search", "Coordinator",
]

func settings(of name: String) -> [SwiftSetting] {
    swiftSettings + (unmarkedTargets.contains(name) ? [] : [.strictMemorySafety()])
}

func target(
    _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [],
    resources: [Resource] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: exclude, resources: resources,
        swiftSettings: settings(of: name))
}

func testTarget(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [])
    -> Target
{
    .testTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swiftSettings)
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(
    name: "UnixSignals", package: "swift-service-lifecycle")
let argumentParser: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")
let grpc: Target.Dependency = .product(name: "GRPCCore", package: "grpc-swift-2")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let grpcProtobuf: Target.Dependency = .product(
    name: "GRPCProtobuf", package: "grpc-swift-protobuf")
let grpcTransport: Target.Dependency = .product(
    name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport")

let package = Package(
    name: "tessera",
    products: [
        .executable(name: "shardctl", targets: ["shardctl"]),
        .executable(name: "analyze-performance", targets: ["analyze-performance"]),
    ],
    traits: [
        .trait(name: "Faiss", description: "Train and encode with libfaiss and OpenBLAS."),
        .default(enabledTraits: []),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", from: "2.4.1"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "CVectorKernels"),
        .target(
            name: "CFaissShim",
            cxxSettings: [.define("TESSERA_FAISS", to: "1", .when(traits: ["Faiss"]))],
            linkerSettings: [
                .linkedLibrary("faiss", .when(traits: ["Faiss"])),
                .linkedLibrary("openblas", .when(traits: ["Faiss"])),
                .linkedLibrary("gomp", .when(traits: ["Faiss"])),
                .linkedLibrary("stdc++", .when(platforms: [.linux], traits: ["Faiss"])),
            ]),
        target("TesseraBase", [nioCore, nioPosix]),
        target("VectorCore", ["TesseraBase", "CVectorKernels"]),
        target(
            "VectorIndex",
            [
                "TesseraBase", "VectorCore",
                .target(name: "CFaissShim", condition: .when(traits: ["Faiss"])),
            ]),
        target("ShardFile", ["TesseraBase", "VectorCore", "VectorIndex", "CZstd"]),
        target("HTTPClient", ["TesseraBase", "CCurl"]),
        target("ObjectStore", ["TesseraBase", "HTTPClient", crypto, nioPosix]),
        target("Catalog", ["TesseraBase", "ObjectStore"]),
        target("SearchTypes", ["TesseraBase", "VectorCore", "Catalog"]),
        target(
            "SearchProtocol",
            ["TesseraBase", "VectorCore", "SearchTypes", grpc, grpcProtobuf, protobuf],
            exclude: ["worker.proto", "health.proto"]),
        target(
            "Indexer",
            ["TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog"]),
        target(
            "Search",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "SearchTypes", lifecycle,
            ]),
        target(
            "Recall",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "SearchTypes", "Search",
            ]),
        target(
            "Worker",
            [
                "TesseraBase", "VectorCore", "ObjectStore", "Catalog", "SearchTypes",
                "SearchProtocol", "Search", logging, lifecycle, signals, grpc, grpcTransport,
                nioCore, nioPosix,
            ]),
        target(
            "Coordinator",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "SearchTypes", "SearchProtocol", "Search", logging, lifecycle, signals,
                grpc, grpcTransport, crypto, nioCore, nioPosix,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            resources: [
                .embedInCode("API/openapi.json"), .embedInCode("Page/index.html"),
                .embedInCode("Page/page.css"), .embedInCode("Page/page.js"),
            ]),
        target(
            "Reporting",
            [
                "TesseraBase", "VectorCore", "ShardFile", "ObjectStore", "Catalog", "SearchTypes",
                "Indexer", "Recall",
            ]),
        target(
            "Planner",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "SearchTypes", "Indexer", "Search", "Recall", "Reporting",
            ]),
        target(
            "Analysis",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "HTTPClient",
                "ObjectStore", "Catalog", "SearchTypes", "Indexer", "Search", "Recall",
                "Reporting", "Planner",
            ]),
        target(
            "Terminal",
            [
                "TesseraBase", "VectorCore", "ObjectStore", "Catalog", "Reporting", signals,
                argumentParser,
            ]),
        .executableTarget(
            name: "analyze-performance",
            dependencies: [
                "TesseraBase", "VectorCore", "ObjectStore", "Catalog", "Recall", "Reporting",
                "Planner", "Analysis",
                "Terminal", argumentParser,
            ],
            swiftSettings: settings(of: "analyze-performance")),
        .executableTarget(
            name: "shardctl",
            dependencies: [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "SearchTypes", "SearchProtocol", "Indexer", "Search", "Recall", "Worker",
                "Coordinator", "Reporting", "Analysis", "Terminal", logging, lifecycle,
                argumentParser,
            ],
            swiftSettings: settings(of: "shardctl")),
        .target(
            name: "TestSupport",
            dependencies: [
                "TesseraBase", "VectorCore", "VectorIndex", "HTTPClient", "ObjectStore",
            ],
            path: "Tests/TestSupport", swiftSettings: swiftSettings),
        testTarget("VectorCoreTests", ["TesseraBase", "VectorCore", "TestSupport"]),
        testTarget(
            "VectorIndexTests", ["TesseraBase", "VectorCore", "VectorIndex", "TestSupport"]),
        testTarget(
            "ShardFileTests",
            ["TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "TestSupport"],
            exclude: ["Golden"]),
        testTarget(
            "ObjectStoreTests", ["TesseraBase", "HTTPClient", "ObjectStore", "TestSupport"]),
        testTarget("CatalogTests", ["TesseraBase", "ObjectStore", "Catalog", "TestSupport"]),
        testTarget(
            "IndexerTests",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "Indexer", "TestSupport",
            ]),
        .target(
            name: "SearchFixtures",
            dependencies: [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "SearchTypes", "Indexer", "Search", "TestSupport",
            ],
            path: "Tests/SearchFixtures", swiftSettings: swiftSettings),
        testTarget(
            "SearchTests",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "SearchTypes", "Indexer", "Search", "TestSupport", "SearchFixtures",
            ]),
        testTarget(
            "RecallTests",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "SearchTypes", "Indexer", "Search", "Recall", "TestSupport", "SearchFixtures",
            ]),
        testTarget(
            "WorkerTests",
            [
                "TesseraBase", "VectorCore", "ObjectStore", "Catalog", "SearchTypes",
                "SearchProtocol", "Search", "Worker", "TestSupport", "SearchFixtures", protobuf,
            ]),
        testTarget(
            "CoordinatorTests",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ObjectStore", "Catalog",
                "SearchTypes", "SearchProtocol", "Indexer", "Search", "Worker", "Coordinator",
                "TestSupport", logging, lifecycle, grpc, grpcTransport, protobuf, nioCore, nioPosix,
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ]),
        testTarget(
            "AnalysisTests",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ObjectStore", "Catalog",
                "SearchTypes", "Indexer", "Search", "Recall", "Reporting", "Planner", "Analysis",
                "TestSupport",
            ]),
        testTarget(
            "PlannerTests",
            [
                "TesseraBase", "VectorCore", "Catalog", "Reporting", "Planner", "TestSupport",
                "SearchFixtures",
            ]),
        testTarget(
            "ShardctlTests",
            ["TesseraBase", "VectorCore", "HTTPClient", "ObjectStore", "TestSupport"]),
        testTarget("TidyTests", []),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)
