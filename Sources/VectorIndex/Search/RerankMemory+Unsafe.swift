// What re-ranking keeps: the candidates of a query and the forms of the query that their rows need.
import VectorCore

/// A vector worth comparing by its refine row.
struct RerankCandidate: BitwiseCopyable {
    let slot: Int
    let row: Int
    /// The distance by its code.
    let distance: Float
    /// Its refine row: the coarse part, and a byte a dimension behind it the rest, where there is
    /// one.
    var bytes: UnsafePointer<UInt8>?
}

/// The state of a query's re-rank passes.
struct RerankMemory: ~Copyable, LentMemory {
    var candidates = ScratchBuffer<RerankCandidate>()
    private(set) var count = 0
    /// Holds the candidates of the second pass between the passes.
    var selection = Selection()
    var prefetched = ScratchBuffer<UnsafePointer<UInt8>>()
    /// `[slots][2][dimension]`: the query as coarse parts and as whole rows need it.
    var queries = ScratchBuffer<Float>()
    var queryCount = 0
    /// Rows that were read for the query: `[count][rowSize]`.
    var rowStore = ScratchBuffer<UInt8>()
    var storedRowSize = 0
    var storedRows = ScratchBuffer<StoredRow>()
    var distances = ScratchBuffer<Float>()
    /// Candidates left for the second pass.
    var fineCount = 0

    /// Starts with `count` candidates, which the caller stores.
    mutating func begin(count: Int) {
        candidates.reserve(count)
        self.count = count
        queryCount = 0
        fineCount = 0
    }
}

/// What it takes to cut the candidates of a leaf request together with those of its query's others.
package struct CutEstimates: Sendable {
    /// The distance of each of the nearest by its code.
    package internal(set) var nearest: [Float] = []
    /// The distances of all candidates by their codes, ascending.
    package internal(set) var candidates: [Float] = []
}
