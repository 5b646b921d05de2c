// The same content gives the same index from any source; shards give back what they hold.
import Catalog
import Foundation
import Indexer
import ObjectStore
import ShardFile
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

/// A source that yields ids only in order, and does not know how many rows there are.
private struct UncountedVectors: VectorSource {
    let base: MemoryVectors

    var name: String { base.name }
    var dimension: Int { base.dimension }
    var elementType: ElementType { base.elementType }
    var count: Int? { nil }
    var ids: ExternalIDs? { nil }

    func vectors(
        from first: Int, atMost most: Int, on pool: WorkPool
    ) async throws(TesseraError) -> [UInt8] {
        try await base.vectors(from: first, atMost: most, on: pool)
    }

    func ids(
        from first: Int, atMost most: Int, on pool: WorkPool
    ) async throws(TesseraError) -> [[UInt8]] {
        try await base.ids(from: first, atMost: most, on: pool)
    }
}

struct VectorSourceTests {
    private static let vectors = RandomVectors.clustered(
        rows: 1300, columns: 12, clusters: 9, seed: 51)
    private static let ids = (0..<1300).map { "photos/\($0)-ä.jpg" }

    @Test(arguments: Metric.allCases)
    func `a file, a matrix and a source of unknown length give the same index`(
        metric: Metric
    ) async throws {
        var fixture = try BuildFixture(Self.vectors, metric: metric, ids: Self.ids)
        fixture.settings.shardSize = 300
        fixture.settings.rotation = true
        let file = try await fixture.build().index
        let memory = MemoryVectors(Self.vectors, ids: Self.ids)
        fixture.source = memory
        #expect(try await fixture.build().index == file)
        fixture.source = UncountedVectors(base: memory)
        #expect(try await fixture.build().index == file)
    }

    @Test func `row numbers are the ids of a matrix without any`() async throws {
        let fixture = try BuildFixture(Self.vectors)
        let file = try await fixture.build().index
        var other = fixture
        other.source = MemoryVectors(Self.vectors)
        #expect(try await other.build().index == file)
        // Ids that look like row numbers are ids, and count in the digest.
        other.source = MemoryVectors(Self.vectors, ids: (0..<1300).map(String.init))
        let named = try await other.build().index
        #expect(named.inputDigest != file.inputDigest && named.shards == file.shards)
    }

    @Test func `ids of a source are checked as those of a file are`() async throws {
        var fixture = try BuildFixture(Self.vectors)
        for (bad, part) in [
            ("", "is empty"), ("a\nb", "control character"), ("photos/3-ä.jpg", "rows 3"),
        ] {
            var ids = Self.ids
            ids[700] = bad
            fixture.source = MemoryVectors(Self.vectors, ids: ids, name: "a matrix")
            let error = try #require(await fixture.failure())
            #expect(error.code == .invalidArgument)
            #expect(error.message.contains("a matrix") && error.message.contains("700"))
            #expect(error.message.contains(part), "\(error)")
        }
        fixture.settings.onDuplicate = .last
        let draft = try await fixture.build()
        #expect(draft.index.vectors == 1299)
    }

    @Test func `an empty source is refused`() async throws {
        var fixture = try BuildFixture(Self.vectors)
        fixture.source = MemoryVectors(Matrix(rows: 0, columns: 4))
        #expect(await fixture.failure()?.code == .invalidArgument)
        fixture.source = UncountedVectors(base: MemoryVectors(Matrix(rows: 0, columns: 4)))
        #expect(await fixture.failure()?.code == .invalidArgument)
    }

    @Test(arguments: [RefineEncoding.f16, .sq16, .sq8], Metric.allCases)
    func `shards give back each id with its vector`(
        refine: RefineEncoding, metric: Metric
    ) async throws {
        var fixture = try BuildFixture(Self.vectors, metric: metric, ids: Self.ids)
        fixture.settings.shardSize = 300
        fixture.settings.refine = refine
        let first = try await published(fixture)
        let stored = try await vectors(of: first.draft, fixture)
        var again = fixture
        again.source = try ShardVectors(first.manifest, from: fixture.catalog)
        let second = try await published(again)
        let rebuilt = try await vectors(of: second.draft, again)
        #expect(stored.count == 1300 && Set(stored.keys) == Set(Self.ids))
        #expect(Set(rebuilt.keys) == Set(Self.ids))
        for (id, row) in stored {
            let other = try #require(rebuilt[id])
            // Half floats survive a second rounding. Under cosine, vectors are brought to unit
            // length again first.
            let lengthening = metric.normalises ? 2 * row.step : 0
            let bound = refine == .f16 ? 0.001 : other.step * 0.51 + lengthening
            let worst = zip(row.vector, other.vector).map { abs($0 - $1) }.max() ?? 0
            #expect(worst <= bound, "\(id)")
        }
    }

    @Test func `integers of one byte survive a rebuild exactly`() async throws {
        var random = SeededRandom(seed: 52)
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let path = folder.path("bytes.i8bin")
        let matrix = Matrix(
            rows: 900, columns: 10,
            elements: (0..<9000).map { _ in Float(Int.random(in: -128...127, using: &random)) })
        try VectorFileWriter.write(matrix, to: path)
        var fixture = try BuildFixture(Self.vectors)
        fixture.source = try FileVectors(vectorsPath: path, idsPath: nil)
        fixture.settings.shardSize = 200
        let first = try await published(fixture)
        let source = try ShardVectors(first.manifest, from: fixture.catalog)
        #expect(source.elementType == .i8 && source.count == 900)
        fixture.source = source
        let second = try await fixture.build()
        #expect(second.index.elementType == "i8" && second.index.refine == "sq8")
        for (id, row) in try await vectors(of: second, fixture) {
            #expect(row.vector == Array(matrix.row(try #require(Int(id)))))
        }
    }

    @Test func `chosen rows are those of a pass`() async throws {
        var fixture = try BuildFixture(Self.vectors, ids: Self.ids)
        fixture.settings.shardSize = 200
        let source = try ShardVectors(try await published(fixture).manifest, from: fixture.catalog)
        let pool = WorkPool(width: 2)
        let all = try await source.vectors(from: 0, atMost: 5000, on: pool)
        #expect(all.count == 1300 * source.rowBytes)
        let rows = [0, 1, 199, 200, 640, 641, 1299]
        let chosen = try await source.vectors(at: rows, on: pool)
        let expected = rows.flatMap { all[$0 * source.rowBytes..<($0 + 1) * source.rowBytes] }
        #expect(chosen == expected)
        let ids = try await source.ids(from: 0, atMost: 5000, on: pool)
        #expect(try await source.ids(from: 150, atMost: 100, on: pool) == Array(ids[150..<250]))
        #expect(try await source.ids(from: 1300, atMost: 5, on: pool).isEmpty)
        #expect(try await source.vectors(from: 1300, atMost: 5, on: pool).isEmpty)
    }

    @Test func `shards without a refine tier are no source`() async throws {
        var fixture = try BuildFixture(Self.vectors)
        fixture.settings.refine = RefineEncoding.none
        let manifest = try await published(fixture).manifest
        #expect(throws: TesseraError.self) {
            try ShardVectors(manifest, from: fixture.catalog)
        }
    }

    private func published(
        _ fixture: BuildFixture
    ) async throws -> (draft: Draft, manifest: Manifest) {
        let draft = try await fixture.build()
        return (draft, try await fixture.catalog.publish(draftID: draft.id).manifest)
    }

    private func vectors(
        of draft: Draft, _ fixture: BuildFixture
    ) async throws -> [String: StoredRow] {
        let rows = try await fixture.rows(of: draft)
        return Dictionary(rows.map { ($0.id, $0) }) { first, _ in first }
    }
}
