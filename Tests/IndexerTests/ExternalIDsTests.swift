// External ids and the search for duplicates.
import Foundation
import Indexer
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct ExternalIDsTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func `without a file, ids are row numbers; with one, its lines`() throws {
        let path = folder.path("x.fbin")
        try VectorFileWriter.write(Matrix(rows: 3, columns: 2), to: path)
        let vectors = try VectorFile.open(path: path)
        let numbers = try ExternalIDs.open(path: nil, vectors: vectors)
        #expect(numbers.count == 3)
        #expect(try numbers.id(2) == "2")
        var seen: [Int] = []
        try numbers.forEach(in: 1..<3) { row, id in
            #expect(id.withUnsafeBytes { Array($0) } == Array("\(row)".utf8))
            seen.append(row)
        }
        #expect(seen == [1, 2])
        let ids = try ExternalIDs.open(path: try write(["a", "b", "c"]), vectors: vectors)
        #expect(try ids.bytes(1) == Array("b".utf8))
    }

    @Test func `counts that differ are an error with both files and both counts`() throws {
        let path = folder.path("x.fbin")
        try VectorFileWriter.write(Matrix(rows: 3, columns: 2), to: path)
        let vectors = try VectorFile.open(path: path)
        let ids = try write(["a", "b"])
        do {
            _ = try ExternalIDs.open(path: ids, vectors: vectors)
            Issue.record("two ids were taken for three rows")
        } catch {
            #expect(error.message.contains("\(ids) has 2 ids, \(path) has 3 rows"))
        }
    }

    @Test(arguments: [1 << 30, 160_000, 40_000], [Hash.stable, .colliding])
    func
        `the first duplicate is refused with its rows, at any number of partitions and under collisions`(
            _ budget: Int, _ hash: Hash
        ) throws
    {
        var ids = (0..<100_000).map { "id-\($0)" }
        ids[93_000] = ids[17]
        ids[93_500] = ids[17]
        ids[95_000] = ids[94_000]
        let file = try IDFile.open(path: try write(ids))
        do {
            _ = try DuplicateIDs(.file(file), memoryBudget: budget, hash: hash.function).rowsToDrop(
                .refuse)
            Issue.record("duplicates were accepted")
        } catch {
            #expect(error.code == .invalidArgument)
            #expect(
                error.message.hasSuffix(
                    "ids.txt: id \"id-17\" appears in rows 17 and 93000; ids must be unique "
                        + "(or use --on-duplicate last)"))
        }
    }

    @Test(arguments: [1 << 30, 160_000], [Hash.stable, .colliding])
    func `with the policy last, all but the last row of an id are dropped`(
        _ budget: Int, _ hash: Hash
    ) throws {
        var random = SeededRandom(seed: 3)
        let ids = (0..<100_000).map { _ in "id-\(UInt64.random(in: 0..<60_000, using: &random))" }
        var lastRows: [String: Int] = [:]
        for (row, id) in ids.enumerated() { lastRows[id] = row }
        let expected = ids.indices.filter { lastRows[ids[$0]] != $0 }
        let file = try IDFile.open(path: try write(ids))
        let search = DuplicateIDs(.file(file), memoryBudget: budget, hash: hash.function)
        #expect(try search.rowsToDrop(.last) == expected)
    }

    @Test(arguments: DuplicatePolicy.allCases)
    func `unique ids pass, even those that Unicode holds for equal`(_ policy: DuplicatePolicy)
        throws
    {
        let ids = ["é", "e\u{301}"] + (0..<100_000).map(String.init)
        let file = try IDFile.open(path: try write(ids))
        for hash in [Hash.stable, .colliding] {
            #expect(try DuplicateIDs(.file(file), hash: hash.function).rowsToDrop(policy) == [])
        }
    }

    private func write(_ ids: [String]) throws -> String {
        try folder.write("ids.txt", Data((ids.joined(separator: "\n") + "\n").utf8))
    }
}

enum Hash: Sendable {
    /// The one in use.
    case stable
    /// Four bits of it: thousands of ids share each hash.
    case colliding

    var function: (RawSpan) -> UInt64 {
        switch self {
        case .stable: { StableHash.hash($0) }
        case .colliding: { StableHash.hash($0) & 0xF << 60 }
        }
    }
}
