// The checkers of Package.swift, of the import table's rows and of comment widths can fail.
import Testing

struct ManifestTests {
    private static let manifest = """
        let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
        let pool: [Target.Dependency] = [
            .product(name: "NIOPosix", package: "swift-nio"),
        ]

        func target(_ name: String) -> Target { .target(name: name) }
        let package = Package(
            name: "p",
            targets: [
                .systemLibrary(name: "CZ", pkgConfig: "libz"),
                .target(name: "CK", cSettings: [.define("X")]),
                // target("Old", ["Gone"]),
                target(
                    "A", ["B", .target(name: "CK", condition: .when(traits: ["T"])), log] + pool,
                    exclude: ["a.proto"]),
                .executableTarget(name: "b-c", dependencies: ["A"], swiftSettings: s),
                .target(name: "Help", dependencies: ["A"], path: "Tests/Help"),
                testTarget("ATests", ["A", "Help"]),
            ])
        """

    @Test func `targets are read with their folders and dependencies`() {
        let targets = Manifest.targets(Self.manifest)
        #expect(targets.map(\.name) == ["CK", "A", "b-c", "Help", "ATests"])
        #expect(targets[0].dependencies == [])
        #expect(targets[1].dependencies == ["B", "CK", "Logging", "NIOPosix"])
        #expect(targets[2].dependencies == ["A"])
        #expect(
            targets.map(\.folder) == [
                "Sources/CK/", "Sources/A/", "Sources/b-c/", "Tests/Help/", "Tests/ATests/",
            ])
    }

    @Test func `a dependency that no file imports is found`() {
        let files = [
            TextFile(path: "Sources/A/A.swift", text: "import B\nimport CK\nimport NIOPosix"),
            TextFile(path: "Sources/A/Deep/B.swift", text: "package import Logging"),
            TextFile(path: "Sources/b-c/A.swift", text: "import A"),
            TextFile(path: "Tests/Help/A.swift", text: "import A"),
            TextFile(path: "Tests/ATests/A.swift", text: "import A\n// import Help"),
        ]
        let found = Manifest.unusedDependencies(Manifest.targets(Self.manifest), files)
        #expect(found.count == 1 && found[0].contains("no file of ATests imports Help"))
    }

    @Test func `a row that no file needs is found`() {
        let files = [TextFile(path: "Sources/A/A.swift", text: "import B")]
        #expect(ImportRules.unusedRows(files, table: ["A": ["B"]]) == [])
        let found = ImportRules.unusedRows(files, table: ["A": ["B", "C"]])
        #expect(found.count == 1 && found[0].contains("A imports C"))
    }
}

struct WidthRulesTests {
    private static let long = String(repeating: "x", count: 100)

    private func complaints(_ text: String, path: String = "Sources/A/A.swift") -> [String] {
        WidthRules.complaints(TextFile(path: path, text: text))
    }

    @Test(arguments: ["// ", "    /// ", "let a = 1  // ", "f(\"a\") // "])
    func `a comment beyond the last column is found`(opening: String) {
        #expect(complaints("a\n" + opening + Self.long)[0].hasPrefix("Sources/A/A.swift:2: "))
    }

    @Test(arguments: [" * ", "int a; /* "])
    func `so is one in C`(opening: String) {
        #expect(complaints(opening + Self.long, path: "Sources/A/a.c").count == 1)
    }

    @Test func `strings, addresses and short comments are fine`() {
        let text = [
            "let a = \"" + Self.long + "\"", "let a = \"b // " + Self.long + "\"",
            "// https://example.org/" + Self.long, "// " + Self.long.dropLast(3),
        ]
        #expect(complaints(text.joined(separator: "\n")) == [])
    }
}
