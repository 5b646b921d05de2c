// What a user may decide about an index. Everything else is computed.

package import TesseraBase
package import VectorCore
package import VectorIndex

/// How vectors are divided into shards.
package enum PartitionMode: String, Sendable, CaseIterable {
    /// Each shard is a cell of a global k-means partition.
    case cells
    /// Each shard is a run of the input, in input order.
    case none
}

/// Settings of a training run.
package struct IndexSettings: Sendable {
    package var index: String
    package var metric: Metric
    package var partition = PartitionMode.cells
    /// Vectors a shard aims at.
    package var shardSize = AutomaticParameters.shardSize
    /// Factor on the number of vectors when lists are sized: a sample then gets the shape of the
    /// full index, with shards smaller by this factor.
    package var thinning = 1.0
    /// Bits of a subquantizer's code: 4 or 8.
    package var bitsPerCode = 4
    /// Bytes of one vector's code; computed by rule if nil.
    package var codeSize: Int?
    /// Whether an OPQ rotation is learned.
    package var rotation = false
    /// Refine encoding; by rule if nil: 8 bits if they hold the vectors exactly, otherwise 16,
    /// since 8 bits lose recall above 0.98.
    package var refine: RefineEncoding?
    package var onDuplicate = DuplicatePolicy.refuse
    package var seed: UInt64 = 1
    /// Number of queries kept with their exact neighbours, to measure recall by; 0 for none.
    package var queryCount = QuerySetBuilder.defaultCount
    /// File that these queries are drawn from; if nil, they are vectors of the input.
    package var queriesPath: String?
    /// Folder that vectors are spilled to while they are sorted into cells; it needs room for all
    /// of them.
    package var scratchFolder: String

    package init(index: String, metric: Metric, scratchFolder: String) {
        self.index = index
        self.metric = metric
        self.scratchFolder = scratchFolder
    }

    /// The rules behind the numbers that were not given by hand.
    var rules: [String: String] {
        var rules = AutomaticParameters.rules
        if codeSize != nil { rules["quantizer"] = nil }
        if shardSize != AutomaticParameters.shardSize { rules["shardSize"] = nil }
        return rules
    }

    /// Throws `invalidArgument` naming the setting that is out of range.
    package func validate(dimension: Int) throws(TesseraError) {
        guard shardSize >= 100, shardSize <= 10_000_000 else {
            throw TesseraError(
                .invalidArgument, "--shard-size \(shardSize) is out of range; give 100 to 10000000")
        }
        guard bitsPerCode == 4 || bitsPerCode == 8 else {
            throw TesseraError(
                .invalidArgument, "--bits \(bitsPerCode) is out of range; give 4 or 8")
        }
        guard (0...QuerySetBuilder.largestCount).contains(queryCount) else {
            throw TesseraError(
                .invalidArgument,
                "--tune-queries \(queryCount) is out of range; give 0 to \(QuerySetBuilder.largestCount)"
            )
        }
        let largest = bitsPerCode == 4 ? (dimension + 1) / 2 : dimension
        if let codeSize, codeSize < 1 || codeSize > largest {
            throw TesseraError(
                .invalidArgument,
                "--code-size \(codeSize) does not suit \(dimension) dimensions; give 1 to \(largest) bytes"
            )
        }
    }
}
