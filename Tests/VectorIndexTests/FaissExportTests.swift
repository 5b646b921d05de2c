// Python's `faiss.read_index` opens exported indexes and finds the same neighbours.
import Foundation
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct FaissExportTests {
    @Test(
        .enabled(
            if: Python.accepts("import faiss"),
            "python3 cannot import faiss (pip install faiss-cpu)"),
        arguments: FaissExportCase.all)
    func `plain faiss opens an exported index and finds the same neighbours`(
        _ example: FaissExportCase
    ) throws {
        let fixture = try FaissExportFixture(example)
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "tessera-faiss-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (index, queries, expected) = (
            folder.appending(path: "index.faiss"), folder.appending(path: "queries.fbin"),
            folder.appending(path: "expected.json")
        )
        try Data(try FaissIndexWriter.serialise(fixture.contents)).write(to: index)
        try Data(fbin(fixture.queries)).write(to: queries)
        try JSONEncoder().encode(Expectation(fixture, k: 10)).write(to: expected)
        let result = try Python.run([
            Python.script("faiss-parity.py"), index.path, queries.path, expected.path,
        ])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test func `the first bytes are an IVF-PQ index's, with its sizes`() throws {
        let fixture = try FaissExportFixture(
            FaissExportCase(metric: .l2, bitsPerCode: 4, transform: .none))
        var reader = ByteReader(try FaissIndexWriter.serialise(fixture.contents), what: "export")
        #expect(Array(try reader.take(4)) == Array("IwPQ".utf8))
        #expect(try reader.integer(Int32.self) == 24)
        #expect(try reader.integer(Int64.self) == 700)
        #expect(try reader.integer(Int64.self) == 1 << 20)
        #expect(try reader.integer(Int64.self) == 1 << 20)
        #expect(Array(try reader.take(5)) == [1, 1, 0, 0, 0])
        #expect(try reader.integer(UInt64.self) == 10)
        #expect(try reader.integer(UInt64.self) == 3)
        #expect(Array(try reader.take(4)) == Array("IxF2".utf8))
        // Quantizer, direct map, codebooks and lists; then 10 sizes, 700 ids and 3 bytes per code.
        let lists = 4 + 8 + 8 + 4 + 8 + 10 * 8 + 700 * (8 + 3)
        #expect(reader.remaining == 33 + 8 + 10 * 24 * 4 + 9 + 9 + 24 + 8 + 24 * 16 * 4 + lists)
    }

    @Test func `contents whose parts do not fit are refused`() throws {
        let whole = try FaissExportFixture(
            FaissExportCase(metric: .l2, bitsPerCode: 4, transform: .none)
        ).contents
        func expectInvalid(
            dimension: Int = 24, lists: [FaissList]? = nil, nprobe: Int = 3,
            transform: FaissTransform = .none
        ) {
            let contents = FaissIndexContents(
                dimension: dimension, metric: .l2, centroids: whole.centroids,
                codebooks: whole.codebooks, lists: lists ?? whole.lists, nprobe: nprobe,
                transform: transform)
            #expect {
                _ = try FaissIndexWriter.serialise(contents)
            } throws: {
                ($0 as? TesseraError)?.code == .invalidArgument
            }
        }
        expectInvalid(dimension: 23)
        expectInvalid(transform: .pad)
        expectInvalid(transform: .rotation(Matrix(rows: 24, columns: 23)))
        expectInvalid(nprobe: 0)
        expectInvalid(nprobe: 11)
        expectInvalid(lists: Array(whole.lists.dropLast()))
        let short = FaissList(ids: [1], codes: [1, 2, 3])
        expectInvalid(lists: [short] + whole.lists.dropFirst())
        let large = FaissList(ids: [1], codes: [1, 2, 3, 4, 5, 16])
        expectInvalid(lists: [large] + whole.lists.dropFirst())
    }

    private func fbin(_ vectors: Matrix) -> [UInt8] {
        var writer = ByteWriter()
        writer.integer(Int32(vectors.rows))
        writer.integer(Int32(vectors.columns))
        writer.floats(vectors.elements)
        return writer.bytes
    }
}

/// The expected results, for Scripts/faiss-parity.py.
private struct Expectation: Encodable {
    let k: Int
    let ids: [[Int]]
    let distances: [[Double]]
    let decoded: [[Float]]

    init(_ fixture: FaissExportFixture, k: Int) {
        self.k = k
        (ids, distances) = fixture.neighbours(k)
        decoded = (0..<fixture.decoded.rows).map { Array(fixture.decoded.row($0)) }
    }
}
