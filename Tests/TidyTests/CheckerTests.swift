// The checkers can fail: each gets a bad sample, and a good one that looks like it.
import Testing

struct CodeOnlyTests {
    @Test(arguments: [
        ("a // try!", "a        "),
        ("a /* b /* c */ d */ e", "a                   e"),
        ("f(\"try! \\(g(\")\")) x\") y", "f(                  ) y"),
        ("f(#\"a\"b\\\"# ) c", "f(         ) c"),
        ("func `a { b`() {", "func        () {"),
        ("s = \"\"\"\n  {\" try!\n  \"\"\" + t", "s =    \n         \n      + t"),
    ])
    func `what is not code is blanked`(text: String, code: String) {
        #expect(String(CodeOnly.characters(of: text)) == code)
    }

    @Test func `C has character literals`() {
        let code = String(CodeOnly.characters(of: "c = '\"'; d = '\\''; {", .c))
        #expect(code == "c =    ; d =     ; {")
    }
}

struct ImportRulesTests {
    private func file(_ path: String, _ text: String) -> TextFile {
        TextFile(path: path, text: text)
    }

    @Test func `imports are read in every spelling`() {
        let text = """
            import A
            package import B
            @preconcurrency public import C
            internal import struct D.E
            #if Faiss
                import F
            #endif
            // import G
            let important = "import H"
            """
        #expect(ImportRules.imports(of: text) == ["A", "B", "C", "D", "F"])
    }

    @Test(arguments: [
        ("Sources/VectorCore/A.swift", "import ObjectStore"),
        ("Sources/TesseraBase/A.swift", "internal import VectorCore"),
        ("Sources/Catalog/Deep/A.swift", "package import VectorIndex"),
        ("Sources/ShardFile/A.swift", "import Glibc"),
        ("Sources/Worker/A.swift", "import CZstd"),
        ("Sources/Surprise/A.swift", "import Foundation"),
    ])
    func `an import against the arrows is found`(path: String, text: String) {
        #expect(ImportRules.complaints(file(path, text)).count == 1)
    }

    @Test func `an import along the arrows is fine`() {
        let good = file("Sources/ShardFile/A.swift", "import CZstd\nimport VectorIndex")
        #expect(ImportRules.complaints(good) == [])
    }

    @Test func `a C module in two folders is found`() {
        let zstd = [
            file("Sources/ShardFile/A.swift", "import CZstd"),
            file("Sources/ShardFile/B.swift", "import CZstd"),
        ]
        #expect(ImportRules.cModuleComplaints(zstd) == [])
        let elsewhere = file("Sources/ShardFile/Codec/C.swift", "import CZstd")
        #expect(ImportRules.cModuleComplaints(zstd + [elsewhere]).count == 1)
    }
}

struct SizeRulesTests {
    private func body(_ lines: Int) -> String {
        String(repeating: "    if a { b() }\n", count: lines - 2)
    }

    @Test(arguments: [70, 71])
    func `a function ends at the limit`(lines: Int) {
        for head in ["func f(_ a: () -> Void = {}) throws(E)", "init?()", "var x: [Int]"] {
            let file = TextFile(path: "A.swift", text: "\(head) {\n\(body(lines))}\n")
            #expect(SizeRules.complaints(file).count == (lines > 70 ? 1 : 0), "\(head)")
        }
    }

    @Test func `what has no body is not measured`() {
        let text = """
            protocol P {
                var a: Int { get }
                func f(_ x: Int)
                    -> Int
                init()
            }
            struct S {
                var a = [1].map { $0 }
                var b: Int
                init() {
                    self.init("}")
                }
            }
            """
        let found = SizeRules.swiftFunctions(text)
        #expect(found == [.init(first: 2, lines: 1), .init(first: 10, lines: 3)])
    }

    @Test(arguments: [70, 71])
    func `a C function ends at the limit`(lines: Int) {
        let text = "extern \"C\" {\nint f(int a)\n{\n\(body(lines))}\n}\n"
        let found = SizeRules.complaints(TextFile(path: "a.cpp", text: text))
        #expect(found.count == (lines > 70 ? 1 : 0))
    }

    @Test(arguments: [500, 501])
    func `a file ends at the limit`(lines: Int) {
        let text = String(repeating: "// a\n", count: lines)
        let found = SizeRules.complaints(TextFile(path: "A.swift", text: text))
        #expect(found.count == (lines > 500 ? 1 : 0))
    }
}

struct BannedCallTests {
    private func complaints(_ text: String, path: String = "Sources/Analysis/A.swift") -> [String] {
        BannedCall.all.flatMap { $0.complaints(TextFile(path: path, text: text)) }
    }

    @Test(arguments: [
        "let now = Date()", "let now = Date.now", "Int.random(in: 0..<f(3))", "a.shuffled()",
        "a.randomElement()", "x = try! f()", "x as! Int", "fatalError()",
        "Task.detached { }", "DispatchQueue.global().async { }", "print(\"a\")",
        "@testable import Worker", "SystemRandomNumberGenerator()",
        "let now = ContinuousClock.now", "DispatchTime.now()", "try await Task.sleep(for: a)",
        "UInt64(a.hashValue)", "SuspendingClock()",
    ])
    func `a banned call is found`(text: String) {
        #expect(complaints("// A comment.\n" + text).count == 1)
    }

    @Test(arguments: [
        "let then = Date(timeIntervalSince1970: 0)", "Int.random(in: 0..<f(3), using: &random)",
        "a.shuffled(\n    using: &random)", "x = try? f()", "x as? Int", "blueprint(a)",
        "// try! fatalError print(", "let s = \"Date()\"", "let someDate()",
    ])
    func `what only looks like one is not`(text: String) {
        #expect(complaints(text) == [])
    }

    @Test func `exceptions hold`() {
        #expect(complaints("Date()", path: "Sources/TesseraBase/WallClock.swift") == [])
        #expect(complaints("ContinuousClock()", path: "Sources/TesseraBase/Stopwatch.swift") == [])
        #expect(complaints("Task.sleep(for: a)", path: "Tests/WorkerTests/A.swift") == [])
        #expect(complaints("print(1)", path: "Sources/shardctl/Train.swift") == [])
        #expect(complaints("try! f()", path: "Sources/shardctl/Train.swift").count == 1)
    }

    @Test func `the line is named`() {
        #expect(complaints("// a\n\nx = try! f()")[0].hasPrefix("Sources/Analysis/A.swift:3:"))
    }
}

struct FileRulesTests {
    @Test func `an opening comment is asked for`() {
        let bare = TextFile(path: "A.swift", text: "import Foundation\n")
        let good = TextFile(path: "A.swift", text: "// What this is.\nimport Foundation\n")
        #expect(FileRules.openingComplaints(bare).count == 1)
        #expect(FileRules.openingComplaints(good) == [])
    }

    @Test func `a raw pointer is found outside its file`() {
        let text = "f(a: UnsafeMutableRawBufferPointer)\nwithUnsafePointer(to: a) { }"
        let plain = TextFile(path: "Sources/Worker/A.swift", text: text)
        let unsafe = TextFile(path: "Sources/Worker/A+Unsafe.swift", text: text)
        #expect(FileRules.pointerComplaints(plain).count == 1)
        #expect(FileRules.pointerComplaints(unsafe) == [])
    }

    @Test func `a folder of one machine is found`() {
        for folder in FileRules.machineFolders {
            let bad = TextFile(path: "a.md", text: "x\nsee `\(folder)x`")
            #expect(
                FileRules.machinePathComplaints(bad) == ["a.md:2: names a folder of one machine"])
            let good = TextFile(path: "a.md", text: "see a\(folder)x")
            #expect(FileRules.machinePathComplaints(good) == [])
        }
    }
}

struct DocumentRulesTests {
    @Test func `a target that the document leaves out is found`() {
        let missing = DocumentRules.missingTargets(
            ["Indexer", "Worker"], in: "`Workers`, Indexer.")
        #expect(missing == ["Worker"])
    }

    @Test func `dependencies are read from the manifest and looked for in tables`() {
        let manifest = """
            .package(url: "https://example.org/a/swift-x.git", from: "1.0.0"),
            .systemLibrary(name: "CZ", pkgConfig: "libz"), .linkedLibrary("blas"),
            .linkedLibrary("stdc++"),
            """
        let found = DocumentRules.dependencies(ofManifest: manifest)
        #expect(found == ["swift-x", "libz", "blas"])
        let readme = "blas is good\n| swift-x | MIT |\n| libz | zlib |"
        #expect(DocumentRules.missingDependencies(found, in: readme) == ["blas"])
    }
}
