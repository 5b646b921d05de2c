// The bundled sample stays small, and its files fit each other.
import Foundation
import Testing

struct SampleTests {
    private let folder = Repository().root.appending(path: "Samples/wordnet")

    private func bytes(_ name: String) throws -> Data {
        try Data(contentsOf: folder.appending(path: name))
    }

    private func lines(_ name: String) throws -> [String] {
        String(decoding: try bytes(name), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The numbers of rows and columns. Checks that the file has the length they imply.
    private func shape(_ name: String, elementSize: Int) throws -> [Int] {
        let raw = try bytes(name)
        let sizes = [0, 4].map { start in
            (0..<4).reduce(0) { $0 | Int(raw[start + $1]) << ($1 * 8) }
        }
        #expect(raw.count == 8 + sizes[0] * sizes[1] * elementSize, "\(name)")
        return sizes
    }

    @Test func `it takes five megabytes at most`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let total = try names.map { try bytes($0).count }.reduce(0, +)
        #expect(total <= 5_000_000)
    }

    @Test func `vectors, ids, texts and truth fit each other`() throws {
        let ids = try lines("ids.txt")
        let queries = try lines("query-ids.txt")
        #expect(try shape("base.i8bin", elementSize: 1) == [ids.count, 384])
        #expect(try shape("queries.i8bin", elementSize: 1) == [queries.count, 384])
        #expect(try shape("truth.ibin", elementSize: 4) == [queries.count, 10])
        #expect(Set(ids).count == ids.count)
        #expect(Set(ids).isDisjoint(with: queries))
        let texts = try lines("texts.tsv").map { String($0.prefix { $0 != "\t" }) }
        #expect(Set(texts) == Set(ids).union(queries))
    }

    @Test func `the licence goes with it`() throws {
        let notice = try lines("LICENSE-WordNet.txt")
        #expect(
            notice.contains { $0.contains("WordNet 3.0 Copyright 2006 by Princeton University") })
    }
}
