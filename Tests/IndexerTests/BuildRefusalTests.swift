// Input that cannot be indexed is refused by file and row, and leaves nothing a reader could see.
import Catalog
import Indexer
import ObjectStore
import ShardFile
import TesseraBase
import TestSupport
import Testing
import VectorCore
import VectorIndex

struct BuildRefusalTests {
    private static let vectors = RandomVectors.uniform(rows: 700, columns: 4, seed: 41)

    private func expectRefusal(_ fixture: BuildFixture, mentioning parts: [String]) async throws {
        let error = try #require(await fixture.failure())
        #expect(error.code == .invalidArgument)
        for part in parts { #expect(error.message.contains(part), "\(error)") }
        #expect(try await fixture.catalog.drafts().isEmpty)
        #expect(try await fixture.catalog.store.list(prefix: "").isEmpty)
    }

    @Test(arguments: [false, true], [0, 512, 699])
    func `a zero vector has no place under cosine`(rotation: Bool, row: Int) async throws {
        var vectors = Self.vectors
        for column in 0..<4 { vectors.elements[row * 4 + column] = 0 }
        var fixture = try BuildFixture(vectors, metric: .cosine)
        fixture.settings.shardSize = 100
        fixture.settings.rotation = rotation
        try await expectRefusal(fixture, mentioning: ["vectors.fbin", "row \(row) "])
    }

    @Test(arguments: Metric.allCases, [Float.nan, -.infinity])
    func `neither has a NaN or an infinity`(metric: Metric, value: Float) async throws {
        var vectors = Self.vectors
        vectors.elements[650 * 4 + 2] = value
        var fixture = try BuildFixture(vectors, metric: metric)
        fixture.settings.shardSize = 100
        try await expectRefusal(fixture, mentioning: ["vectors.fbin", "row 650", "column 2"])
    }

    @Test
    func `a value whose distances or half floats overflow is refused, unless it is normalised`()
        async throws
    {
        var vectors = Self.vectors
        vectors.elements[13 * 4 + 1] = -65_600
        var fixture = try BuildFixture(vectors)
        #expect(await fixture.failure() == nil)
        fixture = try BuildFixture(vectors)
        fixture.settings.refine = .f16
        try await expectRefusal(fixture, mentioning: ["row 13, column 1", "-65600", "sq16"])
        vectors.elements[600 * 4] = 1e17
        fixture = try BuildFixture(vectors)
        fixture.settings.shardSize = 100
        try await expectRefusal(fixture, mentioning: ["row 600, column 0", "1e+17"])
        let cosine = try BuildFixture(vectors, metric: .cosine)
        #expect(await cosine.failure() == nil)
    }

    @Test func `ids must be as many as vectors, and unique`() async throws {
        let few = #expect(throws: TesseraError.self) {
            try BuildFixture(Self.vectors, ids: (0..<699).map(String.init))
        }
        #expect(few?.code == .invalidArgument)
        for part in ["ids.txt", "699", "700"] { #expect(few?.message.contains(part) == true) }
        let double = try BuildFixture(Self.vectors, ids: (0..<700).map { String($0 % 650) })
        try await expectRefusal(double, mentioning: ["ids.txt", "rows 0 and 650"])
    }

    @Test func `settings out of range are named`() async throws {
        let fixture = try BuildFixture(Self.vectors)
        var changed = fixture
        for size in [99, 0, -5, 10_000_001] {
            changed.settings.shardSize = size
            try await expectRefusal(changed, mentioning: ["--shard-size \(size)"])
        }
        changed = fixture
        for bits in [0, 5, 16] {
            changed.settings.bitsPerCode = bits
            try await expectRefusal(changed, mentioning: ["--bits \(bits)"])
        }
        changed = fixture
        for size in [0, 3, -1] {
            changed.settings.codeSize = size
            try await expectRefusal(changed, mentioning: ["--code-size \(size)", "1 to 2"])
        }
        changed.settings.bitsPerCode = 8
        changed.settings.codeSize = 5
        try await expectRefusal(changed, mentioning: ["--code-size 5", "1 to 4"])
    }
}
