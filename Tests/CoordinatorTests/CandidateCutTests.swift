// Parts whose candidates are cut together give the answer of one search over all of them.
import Coordinator
import Testing
import VectorCore
import VectorIndex

struct CandidateCutTests {
    private static func limit(_ parts: [[Float]?], depth: Int) -> Float {
        var cut = CandidateCut(depth: depth)
        for part in parts { cut.add(part) }
        return cut.limit
    }

    @Test func `the limit is the estimate at the depth over all parts`() {
        let parts: [[Float]] = [[1, 4, 9], [2, 3, 10], [], [5, 6, 7]]
        for (depth, limit) in [(1, Float(1)), (3, 3), (4, 4), (7, 7), (9, 10)] {
            #expect(Self.limit(parts, depth: depth) == limit)
            #expect(Self.limit(parts.reversed(), depth: depth) == limit)
        }
    }

    @Test func `fewer candidates than would be refined are not cut`() {
        #expect(Self.limit([[1, 2], [3]], depth: 4) == .infinity)
        #expect(Self.limit([[], []], depth: 1) == .infinity)
        #expect(Self.limit([], depth: 1) == .infinity)
    }

    @Test func `candidates with equal estimates at the depth are all kept`() {
        #expect(Self.limit([[1, 2, 2, 2], [2, 2, 3]], depth: 3) == 2)
        #expect(Self.limit([[2, 2, 2], [2, 2, 2]], depth: 3) == 2)
    }

    @Test func `one part without estimates keeps all candidates of the others`() {
        #expect(Self.limit([[1, 2], nil, [3, 4]], depth: 2) == .infinity)
        #expect(Self.limit([nil, [1, 2, 3]], depth: 2) == .infinity)
    }

    @Test(arguments: [1, 3, 5, 12])
    func `the answer equals that of one search, for any number of parts`(count: Int) {
        struct Found {
            let candidate: Candidate
            let estimate: Float
        }
        let (k, depth) = (10, 40)
        var random = SeededRandom(seed: UInt64(count))
        for _ in 0..<100 {
            let all = (0..<300).map { id in
                let distance = Float.random(in: 0..<1, using: &random)
                return Found(
                    candidate: Candidate(distance: distance, id: UInt64(id)),
                    estimate: distance + Float.random(in: 0..<0.2, using: &random))
            }
            let refined = all.sorted { $0.estimate < $1.estimate }.prefix(depth)
            let expected = refined.map(\.candidate).sorted().prefix(k)
            var parts = [[Found]](repeating: [], count: count)
            for found in all { parts[Int.random(in: 0..<count, using: &random)].append(found) }
            var cut = CandidateCut(depth: depth)
            var hits: [Found] = []
            for part in parts {
                let refined = part.sorted { $0.estimate < $1.estimate }.prefix(depth)
                cut.add(refined.map(\.estimate))
                var skyband = Skyband(k: k)
                hits += refined.sorted { $0.candidate < $1.candidate }
                    .filter { skyband.takes($0.estimate) }
            }
            let left = hits.filter { $0.estimate <= cut.limit }.map(\.candidate).sorted()
            #expect(Array(left.prefix(k)) == Array(expected))
        }
    }
}
