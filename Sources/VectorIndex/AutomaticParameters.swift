// The rules that choose parameters a user has not given. Each rule has its reason beside it. Its
// text goes into the manifest, so that an index records how its numbers were chosen.

/// Parameters computed from the number of vectors and the dimension, and the rules in words.
package enum AutomaticParameters {
    /// Target number of vectors per shard.
    package static let shardSize = 50_000
    /// Most vectors a shard may hold: 1.5 times its target.
    package static func largestShard(target: Int) -> Int { target + target / 2 }

    /// Inverted lists of a shard. The square root balances the cost of choosing lists with that of
    /// scanning them (measured best at 224 lists for 50,000 vectors). k-means needs 39 vectors per
    /// list. Multiples of 16 fill whole registers.
    package static func listCount(vectors: Int) -> Int {
        let wanted = min(Double(vectors).squareRoot(), Double(vectors) / 39)
        guard wanted >= 16 else { return max(1, Int(wanted)) }
        return Int((wanted / 16).rounded()) * 16
    }

    /// Most bytes for a vector's code and its bias byte: a quarter of a byte per dimension up to 64
    /// bytes, an eighth from 512 dimensions on. In few dimensions, coarser codes cost more in
    /// refined rows than they save; in many, finer codes made no query faster (measured in
    /// docs/search-notes.md).
    package static func codeBudget(dimension: Int) -> Int {
        min(dimension / 4, max(64, dimension / 8))
    }

    /// The finest quantizer whose code and bias byte fit the budget; 8 bytes of code are always
    /// allowed. With `codeSize` given, the finest quantizer whose code takes at most that many
    /// bytes.
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

    /// Most lists scanned per query, over all shards. It grows with the fourth root of the number
    /// of lists, since shards keep neighbours together however many there are. A margin skips about
    /// half of the lists, so the limit is doubled.
    package static func probeCount(totalLists: Int, hasMargin: Bool) -> Int {
        let usual = 16 + Int((4 * Double(totalLists).squareRoot().squareRoot()).rounded(.up))
        return min(totalLists, hasMargin ? 2 * usual : usual)
    }

    /// Relative margin beyond the nearest list's distance, per square root of the list limit. It
    /// lies between the values that were best for recall 0.95 to 0.995 on MNIST and on a million
    /// synthetic text-like vectors. Used only where each vector is in its nearest list: elsewhere a
    /// margin finds no more than a lower list limit does.
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

    /// The rules in words, keyed by the parameter they set.
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
