// Candidates that a leaf request keeps before the depth of the cut is known.
import Testing
import VectorCore
import VectorIndex

struct SkybandTests {
    /// Estimates of candidates in ascending order of distance, many of them equal.
    private static func estimates(_ count: Int, seed: UInt64) -> [Float] {
        var random = SeededRandom(seed: seed)
        // Estimates that grow roughly with the distance.
        return (0..<count).map { Float($0 / 4 + Int.random(in: 0..<30, using: &random)) }
    }

    private static func taken(_ estimates: [Float], k: Int) -> [Int] {
        var skyband = Skyband(k: k)
        return estimates.indices.filter { skyband.takes(estimates[$0]) }
    }

    @Test(arguments: [1, 2, 7, 40, 300])
    func `wherever candidates are cut, the k nearest of the rest are kept`(k: Int) {
        let estimates = Self.estimates(200, seed: UInt64(k))
        let taken = Self.taken(estimates, k: k)
        var needed: Set<Int> = []
        for limit in Set(estimates) {
            let left = estimates.indices.filter { estimates[$0] <= limit }.prefix(k)
            #expect(Array(taken.filter { estimates[$0] <= limit }.prefix(k)) == Array(left))
            needed.formUnion(left)
        }
        // It also keeps nothing that no cut needs.
        #expect(Set(taken) == needed)
    }

    @Test func `equal estimates are cut together, so the first k of them suffice`() {
        #expect(Self.taken([1, 1, 1, 1, 1], k: 2) == [0, 1])
        #expect(Self.taken([3, 3, 3, 2, 2, 2, 1], k: 2) == [0, 1, 3, 4, 6])
    }

    @Test func `where candidates ascend as their estimates do, the k nearest are enough`() {
        #expect(Self.taken((0..<50).map(Float.init), k: 5) == Array(0..<5))
    }
}
