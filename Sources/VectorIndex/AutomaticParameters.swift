// The rules that compute what nobody should have to ask for. Each rule has its reason beside it, and its text goes
// into the manifest, so that an index says how it came by its numbers.

/// Numbers computed from (vectors, dimension), and the rules in words.
package enum AutomaticParameters {
    /// Vectors a shard aims at.
    package static let shardSize = 50_000
    /// No shard holds more than this times its target.
    package static func largestShard(target: Int) -> Int { target + target / 2 }

    /// Inverted lists of a shard: the square root balances the cost of choosing lists with that of scanning them
    /// (measured best at 224 of 50,000); k-means wants 39 vectors a list. Multiples of 16 fill whole registers.
    package static func listCount(vectors: Int) -> Int {
        let wanted = min(Double(vectors).squareRoot(), Double(vectors) / 39)
        guard wanted >= 16 else { return max(1, Int(wanted)) }
        return Int((wanted / 16).rounded()) * 16
    }

    /// Bytes that a vector's code and its bias byte may take: a quarter of a byte a dimension up to 64 bytes, an eighth from
    /// 512 dimensions on. With few dimensions coarser codes cost more in rows than they save; with many, finer ones made no
    /// query faster (docs/search-path.md has what was measured).
    package static func codeBudget(dimension: Int) -> Int {
        min(dimension / 4, max(64, dimension / 8))
    }

    /// The finest quantizer whose codes and bias bytes keep to the budget, or take 8 bytes of code where that is more.
    /// With a code size given, the finest whose codes take no more than that.
    package static func quantizer(dimension: Int, bitsPerCode: Int = 4, codeSize: Int? = nil)
        -> ProductQuantizerShape
    {
        let budget = codeSize ?? max(8, codeBudget(dimension: dimension) - 1)
        let wanted = min(budget * 8 / bitsPerCode, max(2, dimension))
        let subdimension = max(1, (dimension + wanted - 1) / wanted)
        let count = (dimension + subdimension - 1) / subdimension
        let even = bitsPerCode == 4 ? count + count % 2 : count
        return ProductQuantizerShape(
            subquantizerCount: even, subdimension: subdimension, bitsPerCode: bitsPerCode)
    }

    /// Lists scanned at most for a query, over all shards: grows with the fourth root of their number, since cells keep
    /// neighbours together however many there are. A margin leaves out about half of them, so that twice as many may be wanted.
    package static func probeCount(totalLists: Int, hasMargin: Bool) -> Int {
        let usual = 16 + Int((4 * Double(totalLists).squareRoot().squareRoot()).rounded(.up))
        return min(totalLists, hasMargin ? 2 * usual : usual)
    }

    /// How much farther than the nearest a list may be, for each square root of the lists wanted: between the best for recall
    /// 0.95 to 0.995 on MNIST and on a million text-like vectors. Only where each vector is in its nearest list: elsewhere it
    /// finds no more than fewer lists do.
    package static let listMargin = 1.0 / 24

    /// Candidates re-ranked from the refine tier for `k` results.
    package static func refineDepth(k: Int) -> Int {
        max(10 * k, 200)
    }

    /// Shards the router offers to the choice of lists.
    package static func probeShards(shards: Int, totalLists: Int, probeCount: Int) -> Int {
        let listsPerShard = max(1, totalLists / max(1, shards))
        return min(shards, 8 + 2 * ((probeCount + listsPerShard - 1) / listsPerShard))
    }

    /// The rules in words, by the name of the number they give.
    package static let rules: [String: String] = [
        "shardSize": "50000; cells above 1.5 x are split",
        "nlist": "min(sqrt(n), n / 39) of each shard, to the nearest 16 from 16 on",
        "quantizer":
            "finest with codes and bias byte within min(dimension / 4, max(64, dimension / 8)) bytes; 8 bytes of code are always allowed",
        "refine": "sq8 where the vectors are bytes, sq16 otherwise",
        "nprobe":
            "16 + 4 x (lists of all shards)^(1/4), over all shards; twice that with a margin",
        "listMargin":
            "1/24 x sqrt(nprobe): lists farther than (1 + it) x the nearest and it x their spread are left out; cells only",
        "refineDepth": "max(10 k, 200)",
        "probeShards": "8 + 2 x ceil(nprobe / (lists a shard)), at most all",
    ]
}
