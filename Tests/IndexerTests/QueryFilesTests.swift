// Queries out of a folder of recorded ones.
import Foundation
import Indexer
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct QueryFilesTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func read(_ most: Int = 1000, dimension: Int = 4) throws -> Matrix {
        try QuerySetBuilder.read(
            folder.url.path, most: most, dimension: dimension, metric: .l2, seed: 5)
    }

    private func write(_ name: String, _ matrix: Matrix) throws {
        try VectorFileWriter.write(matrix, to: folder.path(name))
    }

    private func refusal(dimension: Int = 4) -> TesseraError? {
        do {
            _ = try read(dimension: dimension)
            return nil
        } catch {
            return error as? TesseraError
        }
    }

    @Test func `files of a folder are one, in the order of their names`() throws {
        let all = RandomVectors.uniform(rows: 30, columns: 4, seed: 1)
        try write("queries-0000000002-b.fbin", all.gathering(Array(10..<30)))
        try write("queries-0000000001-a.fbin", all.gathering(Array(0..<10)))
        #expect(try read() == all)
        let some = try read(12)
        #expect(some.rows == 12)
        let rows = (0..<30).map { Array(all.row($0)) }
        let places = (0..<12).compactMap { rows.firstIndex(of: Array(some.row($0))) }
        #expect(places.count == 12 && places == places.sorted())
    }

    @Test func `what is no whole file of this index is left out`() throws {
        let queries = RandomVectors.uniform(rows: 6, columns: 4, seed: 1)
        try write("queries-0000000001-a.fbin", RandomVectors.uniform(rows: 3, columns: 7, seed: 2))
        try write("queries-0000000002-a.fbin", queries)
        _ = try folder.write("queries-0000000003-a.fbin.partial", Data([1, 2, 3]))
        _ = try folder.write("notes.txt", Data("mine".utf8))
        #expect(try read() == queries)
        #expect(refusal(dimension: 5)?.message.contains("4 dimensions") == true)
    }

    @Test func `a folder without queries is told so`() throws {
        #expect(refusal()?.code == .invalidArgument)
        #expect(refusal()?.message.contains("holds no recorded queries") == true)
        _ = try folder.write("queries-0000000001-a.fbin", Data([2, 0, 0, 0, 4, 0, 0, 0, 1]))
        #expect(refusal()?.message.contains("queries-0000000001-a.fbin") == true)
    }
}
