// Decides which workers hold which shards. Pure: equal members and shards give equal placements on
// every machine.
//
// Rendezvous hashing (Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates",
// 1998): a shard's holders are the members with the highest scores for it. When a member leaves,
// only its shards move.
package import ObjectStore
import VectorCore

/// The holders of every shard of a version.
///
/// Shards with the same holders in the same order form a group. A query's lists in a group are
/// searched together, by any of the holders. So an answer depends on the members and the
/// replication, but not on which workers are down.
package struct Placement: Sendable {
    /// Holders of each group, as positions among the members, the preferred one first.
    package let holders: [[Int]]
    /// The group of each shard, by ordinal.
    package let groups: [Int]
    private let seeds: [UInt64]

    /// - Parameters:
    ///   - members: names of the workers; the order does not matter.
    ///   - shards: digest of each shard, by ordinal.
    ///   - replication: holders of a shard; fewer if there are fewer members.
    package init(members: [String], shards: [ContentDigest], replication: Int) {
        let seeds = members.map { StableHash.hash(Array($0.utf8)) }
        var known: [[Int]: Int] = [:]
        var holders: [[Int]] = []
        groups = shards.map { shard in
            let ranked = Self.ranking(
                of: StableHash.hash(Array(shard.hex.utf8)), seeds, count: max(1, replication))
            if let group = known[ranked] { return group }
            holders.append(ranked)
            known[ranked] = holders.count - 1
            return holders.count - 1
        }
        self.holders = holders
        self.seeds = seeds
    }

    /// Ordinals of the shards that a member holds, ascending.
    package func shards(heldBy member: Int) -> [Int] {
        groups.indices.filter { holders[groups[$0]].contains(member) }
    }

    /// Members in the order they are asked for a group: its holders first, then members that would
    /// have to load its shards.
    package func order(of group: Int) -> [Int] {
        let first = holders[group]
        let key = first.reduce(UInt64(0)) { Self.mix($0 &+ seeds[$1]) }
        return first
            + Self.ranking(of: key, seeds, count: seeds.count).filter { !first.contains($0) }
    }

    /// The `count` members with the highest scores, highest first.
    private static func ranking(of key: UInt64, _ seeds: [UInt64], count: Int) -> [Int] {
        let scores = seeds.map { mix($0 ^ mix(key)) }
        // Scores are practically never equal; then the seeds decide, not the order of the members.
        return Array(
            seeds.indices.sorted { (scores[$0], seeds[$0]) > (scores[$1], seeds[$1]) }
                .prefix(count))
    }

    /// The finalizer of SplitMix64: every input bit moves every output bit.
    private static func mix(_ value: UInt64) -> UInt64 {
        var state = value &+ 0x9E37_79B9_7F4A_7C15
        state = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        state = (state ^ (state >> 27)) &* 0x94D0_49BB_1331_11EB
        return state ^ (state >> 31)
    }
}
