// Tests of the automatic choice of residency.
import Catalog
import Search
import SearchFixtures
import TestSupport
import Testing
import VectorCore

struct ResidencyChoiceTests {
    @Test func `everything is kept where it takes at most half of what is left, and pays`()
        async throws
    {
        let vectors = RandomVectors.uniform(rows: 2000, columns: 32, seed: 3)
        let index = try await SearchFixture(vectors, IndexPlan()).manifest.index
        let bytes = Int(index.residentBytes)
        // Codes, rows of one byte per dimension, and ids: a smaller estimate would be too low.
        #expect(bytes > 2000 * (32 + 4 + 4))
        func choice(_ asked: ResidencyChoice, searches: Int?, available: Int?) -> Residency {
            asked.residency(of: index, searches: searches, available: available)
        }
        #expect(choice(.auto, searches: nil, available: 2 * bytes + 2) == .all)
        #expect(choice(.auto, searches: nil, available: 2 * bytes - 2) == .codes)
        #expect(choice(.auto, searches: nil, available: nil) == .codes)
        #expect(choice(.auto, searches: 0, available: .max) == .codes)
        #expect(choice(.auto, searches: bytes, available: .max) == .all)
        #expect(choice(.all, searches: 0, available: 0) == .all)
        #expect(choice(.codes, searches: nil, available: .max) == .codes)
    }
}
