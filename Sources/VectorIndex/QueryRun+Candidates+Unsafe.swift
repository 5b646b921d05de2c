// For a scan that is done elsewhere: what it needs of a query, and how its candidates come back.
import VectorCore

extension QueryRun {
    /// The query in the quantizer's dimension.
    package var transformedQuery: [Float] {
        (0..<paddedDimension).map { transformed.base[$0] }
    }

    /// Takes the candidates of a scan done elsewhere, instead of ``chooseCandidates()``. Slots are those of
    /// ``probe(_:)``, distances those the kernels work with.
    package mutating func takeCandidates(_ found: [(slot: Int, row: Int, distance: Float)]) {
        precondition(found.allSatisfy { $0.slot < slotCount }, "no such shard was offered")
        candidates.reserve(found.count)
        for (index, candidate) in found.enumerated() {
            candidates.base[index] = RefineCandidate(
                slot: candidate.slot, row: candidate.row, distance: candidate.distance)
        }
        candidateCount = found.count
        refineQueryCount = 0
    }
}
