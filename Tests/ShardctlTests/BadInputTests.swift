// Mistakes of users: each ends with one clear line and the documented exit code, and leaves no
// files.
import Foundation
import TestSupport
import Testing
import VectorCore

/// Each mistake is made on an index of 240 x 16 vectors with version 1 published and no draft.
struct BadInputTests {
    static let base = Matrix.sample(rows: 240)
    let place: Workplace

    init() throws {
        place = try Workplace()
        try place.write("base.fbin", Self.base)
        try place.write("q.fbin", Matrix.sample(rows: 3, seed: 4))
        try place.trainAndPublish("base.fbin", ["--backend", "mock"])
    }

    private func check(_ mistake: Mistake) throws {
        try mistake.prepare(place)
        let before = try place.snapshot()
        let outcome = try place.run(mistake.command, mistake.arguments)
        expectComplaint(outcome, status: mistake.status, says: mistake.says)
        let after = try place.snapshot()
        #expect(Set(after.keys) == Set(before.keys), "nothing may be left behind")
        #expect(after == before, "nothing may change")
    }

    @Test(arguments: BadVectors.all)
    func `vector files that are not what they say`(_ mistake: Mistake) throws { try check(mistake) }

    @Test(arguments: BadIDs.all)
    func `ids that cannot be used`(_ mistake: Mistake) throws { try check(mistake) }

    @Test(arguments: BadValues.all)
    func `values that are out of range`(_ mistake: Mistake) throws { try check(mistake) }

    @Test(arguments: BadPlaces.all)
    func `names of what does not exist, and places that cannot be used`(_ mistake: Mistake) throws {
        try check(mistake)
    }

    @Test func `zero vectors have no direction: refused by row, in the index and in the query`()
        throws
    {
        try place.trainAndPublish("base.fbin", ["--metric", "cosine"])
        for (command, more) in [("train", ["--metric", "cosine"]), ("query", [])] {
            try check(
                Mistake(
                    command, ["--vectors", "zero.fbin"] + more, 65,
                    ["zero.fbin", "row 201", "all zeros", "leave it out"]
                ) { try $0.write("zero.fbin", Self.base.with(row: 201, value: 0)) })
        }
    }

    @Test func `a query that fails leaves an older file of answers as it was`() throws {
        try place.mustRun("query", ["--vectors", "q.fbin", "--output", "hits.jsonl"])
        try check(
            Mistake("query", ["--vectors", "nan.fbin", "--output", "hits.jsonl"], 65, ["row 7"]) {
                try $0.write("nan.fbin", Self.base.with(row: 7, column: 1, value: .nan))
            })
    }

    @Test func `a device is written to, and stays one`() throws {
        try place.mustRun("query", ["--vectors", "q.fbin", "--output", "/dev/null"])
        let type = try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type]
        #expect(type as? FileAttributeType == .typeCharacterSpecial)
    }

    @Test(arguments: ["query", "list", "inspect"])
    func `a full disk behind standard output is an error`(_ command: String) throws {
        let more = command == "query" ? ["--vectors", "q.fbin"] : []
        let outcome = try Program.run(
            [command] + place.target + more, in: place.folder.url.path, outputPath: "/dev/full")
        expectComplaint(outcome, status: 73, says: ["standard output", "no space left"])
    }

    @Test func `where not even the complaint can be written, the exit code still tells`() throws {
        let outcome = try Program(
            Program.shardctl, ["query"] + place.target + ["--vectors", "no.fbin"],
            in: place.folder.url.path, errorPath: "/dev/full"
        ).wait()
        #expect(outcome.status == 66)
    }

    @Test func `a bad row far down the queries is found before the first answer is written`() throws
    {
        let bad = Matrix.sample(rows: 20_000).with(row: 19_999, column: 0, value: .nan)
        try check(
            Mistake("query", ["--vectors", "bad.fbin"], 65, ["row 19999"]) {
                try $0.write("bad.fbin", bad)
            })
    }

    @Test func `objects that were damaged are named, and the exit code says so`() throws {
        let key = try #require(place.storedKeys().first { $0.hasPrefix("shards/") })
        let path = place.store + "/photos/" + key
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(filePath: path))
        let verify = try place.run("verify")
        #expect(verify.status == 76)
        #expect(verify.output.contains(key))
        #expect(verify.errors.contains("roll back, or train again"))
        let rest = try place.run("verify", ["--json"])
        #expect((rest.json["problems"] as? [String])?.count == 1)
    }
}

enum BadVectors {
    /// Every format, truncated in its last row, in its header, and to nothing.
    private static let truncated = InputFormat.allCases.flatMap { format in
        let name = "cut.\(format.suffix)"
        let whole = format.bytes(BadInputTests.base)
        return ([whole.count - 3, 3, 0] as [Int]).map { length in
            Mistake("train", ["--vectors", name], 65, [name]) {
                _ = try $0.folder.write(name, whole.prefix(length))
            }
        }
    }

    /// A correct file under a wrong name: its content, its name, the expected words.
    private static let mislabelled = [
        (InputFormat.fbin, "x.u8bin", ["is it a .fbin"]), (.fbin, "x.fvecs", []),
        (.fvecs, "x.fbin", ["is it a .fvecs"]), (.u8bin, "x.fbin", [".u8bin"]),
        (.npyFloat, "x.fbin", ["is it a .npy"]), (.fbin, "x.npy", ["is it a .fbin"]),
        (.bvecs, "x.fvecs", ["is it a .bvecs"]), (.fbin, "x.bin", [".fvecs .bvecs"]),
        (.fbin, "x", [".fvecs .bvecs"]), (.fbin, "x.ibin", ["int32", "ground truth"]),
    ].map { format, name, says in
        Mistake("train", ["--vectors", name], 65, [name] + says) {
            _ = try $0.folder.write(name, format.bytes(BadInputTests.base))
        }
    }

    private static let unusable = [Float.nan, .infinity, -.infinity].flatMap { value in
        ["train", "query"].map { command in
            Mistake(
                command, ["--vectors", "bad.fbin"], 65,
                ["bad.fbin", "row 201", "column 5", "\(value)", "finite"]
            ) {
                try $0.write("bad.fbin", BadInputTests.base.with(row: 201, column: 5, value: value))
            }
        }
    }

    private static let dimensions = Mistake(
        "query", ["--vectors", "q8.fbin"], 65, ["q8.fbin", "8 dimensions", "'photos' has 16"]
    ) { try $0.write("q8.fbin", Matrix.sample(rows: 3, columns: 8)) }

    static let all = truncated + mislabelled + unusable + [dimensions]
}

enum BadIDs {
    private static func mistake(
        _ says: [String], _ change: @escaping @Sendable (inout [Data]) -> Void
    ) -> Mistake {
        Mistake("train", ["--vectors", "base.fbin", "--ids", "ids.txt"], 65, ["ids.txt"] + says) {
            var ids = (0..<240).map { Data("id-\($0)".utf8) }
            change(&ids)
            _ = try $0.folder.write("ids.txt", Data(ids.map { $0 + Data("\n".utf8) }.joined()))
        }
    }

    static let all = [
        mistake(["\"id-3\"", "rows 3 and 200", "--on-duplicate last"]) { $0[200] = $0[3] },
        mistake(["239", "240", "base.fbin"]) { $0.removeLast() },
        mistake(["241", "240", "base.fbin"]) { $0.append(Data("more".utf8)) },
        mistake(["row 7", "line 8", "empty"]) { $0[7] = Data() },
        mistake(["row 7", "line 8", "5000 bytes", "512"]) {
            $0[7] = Data(repeating: 97, count: 5000)
        },
        mistake(["row 7", "line 8", "UTF-8", "iconv"]) { $0[7] = Data([97, 0xFF, 0xFE]) },
        mistake(["row 7", "U+001B"]) { $0[7] = Data([97, 0x1B]) },
        mistake(["is empty"]) { $0 = [] },
        Mistake(
            "train", ["--vectors", "base.fbin", "--ids", "no.txt"], 66, ["no.txt", "no such"]),
        Mistake("train", ["--vectors", "base.fbin", "--ids", "store"], 65, ["store", "folder"]),
    ]
}

enum BadValues {
    private static let query = [
        (["-k", "0"], "-k 0"), (["-k", "-1"], "-k -1"), (["-k", "241"], "1 to 240"),
        (["--nprobe", "0"], "--nprobe 0"), (["--nprobe", "9999"], "--nprobe 9999"),
        (["-k", "5", "--refine", "4"], "no less than k"),
        (["--refine", "100001"], "--refine 100001"), (["--threads", "0"], "--threads 0"),
        (["--threads", "1025"], "1 to 1024"), (["--batch", "0"], "--batch 0"),
    ].map { Mistake("query", ["--vectors", "q.fbin"] + $0, 65, [$1, "out of range"]) }

    private static let train = [
        (["--threads", "0"], "--threads 0"), (["--threads", "-4"], "--threads -4"),
        (["--shard-size", "99"], "100 to 10000000"),
        (["--shard-size", "10000001"], "100 to 10000000"),
        (["--shard-size", "-1"], "--shard-size -1"), (["--bits", "5"], "give 4 or 8"),
        (["--code-size", "0"], "1 to 8 bytes"), (["--code-size", "9"], "1 to 8 bytes"),
        (["--code-size", "17", "--bits", "8"], "1 to 16 bytes"),
        (["--backend", "nope"], "mock, faiss"),
    ].map { Mistake("train", ["--vectors", "base.fbin"] + $0, 65, [$1]) }

    private static let others = [
        Mistake("gc", ["--keep", "0"], 65, ["--keep 0", "at least 1"]),
        Mistake("gc", ["--grace-hours", "-1"], 65, ["--grace-hours -1", "0 to 1000000"]),
        Mistake("export", ["--output", "out", "--shard", "9"], 65, ["shard 9", "0 to 0"]),
        Mistake("rollback", ["--to", "1"], 65, ["version 1", "'photos'", "latest already"]),
    ]

    /// Mistakes only if the backend is missing.
    private static var backend: [Mistake] {
        #if Faiss
            []
        #else
            [
                Mistake(
                    "train", ["--vectors", "base.fbin", "--backend", "faiss"], 78,
                    ["'faiss'", "--traits Faiss", "--backend mock"])
            ]
        #endif
    }

    static let all = query + train + others + backend
}

enum BadPlaces {
    /// Any command that reads; a second `--store` or `--index` overrides the first.
    private static func reading(_ more: [String], _ status: Int32, _ says: [String]) -> Mistake {
        Mistake("query", ["--vectors", "q.fbin"] + more, status, says)
    }

    private static func training(_ more: [String], _ status: Int32, _ says: [String]) -> Mistake {
        Mistake("train", ["--vectors", "base.fbin"] + more, status, says)
    }

    private static let names = [
        reading(["--index", "fotos"], 66, ["'fotos'", "it has 'photos'"]),
        reading(["--index", "No Name"], 65, ["'No Name'", "a-z"]),
        reading(["--at", "9"], 66, ["version 9", "'photos' has version 1"]),
        reading(["--at", "0"], 66, ["version 0", "has version 1"]),
        reading(["--at", "-1"], 66, ["version -1", "has version 1"]),
        Mistake("verify", ["--at", "9"], 66, ["version 9", "has version 1"]),
        Mistake("rollback", ["--to", "9"], 66, ["version 9", "has version 1"]),
        Mistake("publish", [], 66, ["'photos'", "no draft", "run train"]),
        Mistake("publish", ["--draft", "x1"], 66, ["'x1'", "it has none; run train"]),
        Mistake("publish", ["--draft", "../x"], 65, ["'../x'", "not a draft id"]),
        Mistake("publish", ["--index", "new"], 66, ["'new'", "it has 'photos'"]),
        Mistake("inspect", ["--id", "x1"], 66, ["version 1", "no id 'x1'"]),
    ]

    private static let stores = ["query", "train"].flatMap { command in
        [
            ("s3://b/x", 65, ["s3://b/x", "bucket name"]),
            ("http://host/x", 65, ["http://host/x", "scheme", "file:///"]),
            ("file://data/x", 65, ["file://data/x", "three slashes"]),
            ("", 65, ["empty"]), ("base.fbin", 65, ["base.fbin", "is a file; name a folder"]),
        ].map { (store: String, status: Int32, says: [String]) in
            let vectors = command == "query" ? "q.fbin" : "base.fbin"
            return Mistake(command, ["--vectors", vectors, "--store", store], status, says)
        }
    }

    private static let files = [
        reading(["--store", "file:///nowhere/x"], 66, ["file:///nowhere/x", "check the address"]),
        Mistake("query", ["--vectors", "no.fbin"], 66, ["no.fbin", "no such file"]),
        Mistake("train", ["--vectors", "no.fbin"], 66, ["no.fbin", "no such file"]),
        Mistake("train", ["--vectors", "dir.fbin"], 65, ["dir.fbin", "is a folder"]) {
            try FileManager.default.createDirectory(
                atPath: $0.folder.path("dir.fbin"), withIntermediateDirectories: false)
        },
        // Not even root may make a folder there.
        training(["--store", "file:///sys/tessera"], 69, ["/sys/tessera"]),
        training(["--scratch", "no/where"], 66, ["no/where", "does not exist", "--scratch"]),
        training(["--scratch", "base.fbin"], 65, ["base.fbin", "is a file", "--scratch"]),
        training(["--scratch", "/sys"], 69, ["scratch folder /sys"]),
        reading(["--output", "no/hits.jsonl"], 66, ["no/hits.jsonl", "does not exist"]),
        reading(["--output", "store"], 65, ["store", "is a folder"]),
        reading(["--output", ""], 65, ["--output is empty"]),
        reading(["--output", "/sys/hits.jsonl"], 69, ["/sys/hits.jsonl"]),
        Mistake("export", ["--output", "base.fbin"], 65, ["base.fbin", "name a folder"]),
        Mistake("export", ["--output", "base.fbin/x"], 65, ["base.fbin/x", "name a folder"]),
        Mistake("export", ["--output", "/sys/x"], 69, ["/sys/x"]),
        Mistake("list", ["--store", "base.fbin"], 65, ["base.fbin", "is a file"]),
    ]

    static let all = names + stores + files
}
