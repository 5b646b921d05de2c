// swift-tools-version: 6.2
import PackageDescription

// Who may import whom is written down in ARCHITECTURE.md and held by Tests/TidyTests.

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

func target(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings)
}

func testTarget(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [])
    -> Target
{
    .testTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swiftSettings)
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let threadPool: [Target.Dependency] = [
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOCore", package: "swift-nio"),
]

let package = Package(
    name: "tessera",
    products: [.executable(name: "shardctl", targets: ["shardctl"])],
    traits: [
        .trait(name: "Faiss", description: "Train and encode with libfaiss and OpenBLAS."),
        .default(enabledTraits: []),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
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
        target("TesseraBase", threadPool),
        target("VectorCore", ["TesseraBase", "CVectorKernels"]),
        target(
            "VectorIndex",
            [
                "TesseraBase", "VectorCore",
                .target(name: "CFaissShim", condition: .when(traits: ["Faiss"])),
            ]),
        target("ShardFile", ["TesseraBase", "VectorCore", "VectorIndex", "CZstd"]),
        target("ObjectStore", ["TesseraBase", "CCurl", crypto] + threadPool),
        target("Catalog", ["TesseraBase", "ObjectStore"]),
        target(
            "Indexer",
            ["TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog"]
                + threadPool),
        target(
            "Worker",
            ["TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog"]
                + threadPool),
        .executableTarget(
            name: "shardctl",
            dependencies: [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "Indexer", "Worker",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swiftSettings),
        .target(
            name: "TestSupport",
            dependencies: ["TesseraBase", "VectorCore", "VectorIndex", "ObjectStore"],
            path: "Tests/TestSupport", swiftSettings: swiftSettings),
        testTarget("VectorCoreTests", ["TesseraBase", "VectorCore", "TestSupport"]),
        testTarget(
            "VectorIndexTests", ["TesseraBase", "VectorCore", "VectorIndex", "TestSupport"]),
        testTarget(
            "ShardFileTests",
            ["TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "TestSupport"],
            exclude: ["Golden"]),
        testTarget("ObjectStoreTests", ["TesseraBase", "ObjectStore", "TestSupport"]),
        testTarget("CatalogTests", ["TesseraBase", "ObjectStore", "Catalog", "TestSupport"]),
        testTarget(
            "IndexerTests",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "Indexer", "TestSupport",
            ]),
        testTarget(
            "WorkerTests",
            [
                "TesseraBase", "VectorCore", "VectorIndex", "ShardFile", "ObjectStore", "Catalog",
                "Indexer", "Worker", "TestSupport",
            ]),
        testTarget("ShardctlTests", ["TesseraBase", "VectorCore", "ObjectStore", "TestSupport"]),
        testTarget("TidyTests", []),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)
