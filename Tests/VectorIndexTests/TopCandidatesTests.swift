// Tests of the bounded selection of candidates.
import Testing
import VectorCore
import VectorIndex

struct TopCandidatesTests {
    @Test(arguments: [1, 7, 100])
    func `the smallest are kept in any order of offers, ties to the lower id`(capacity: Int) {
        var random = SeededRandom(seed: 3)
        let offers = (0..<1000).map {
            Candidate(distance: Float(Int.random(in: 0..<50, using: &random)), id: UInt64($0))
        }
        let expected = Array(offers.sorted().prefix(capacity))
        for order in [offers, offers.reversed(), offers.shuffled(using: &random)] {
            var top = TopCandidates(capacity: capacity)
            for offer in order { top.offer(offer) }
            #expect(top.sorted() == expected)
        }
    }

    @Test func `the threshold never excludes what belongs to the smallest`() {
        var top = TopCandidates(capacity: 2)
        for id in 0..<4 { top.offer(Candidate(distance: 1, id: UInt64(10 - id))) }
        #expect(top.threshold == 1)
        top.offer(Candidate(distance: 1, id: 0))
        #expect(top.sorted().map(\.id) == [0, 7])
    }
}
