// Which workers hold which shards, and which shards move when a worker joins or leaves.
import Coordinator
import ObjectStore
import Testing

struct PlacementTests {
    static let shards = (0..<2000).map { ContentDigest(of: Array("shard \($0)".utf8)) }
    static let members = (0..<5).map { "10.0.0.\($0):7171" }

    private static func holders(_ members: [String], replication: Int) -> [[String]] {
        let placement = Placement(members: members, shards: shards, replication: replication)
        return placement.groups.map { group in placement.holders[group].map { members[$0] } }
    }

    @Test(arguments: [1, 2, 3])
    func `without a worker only its shards move, and each only by one place`(replication: Int) {
        let before = Self.holders(Self.members, replication: replication)
        let gone = Self.members[2]
        let after = Self.holders(
            Self.members.filter { $0 != gone }, replication: replication)
        var moved = 0
        for (old, new) in zip(before, after) {
            let left = old.filter { $0 != gone }
            #expect(Array(new.prefix(left.count)) == left)
            if left.count == old.count { #expect(new == old) } else { moved += 1 }
        }
        // A fifth of the shards of each copy, within 4 standard deviations.
        let expected = Double(2000 * replication) / 5
        #expect(abs(Double(moved) - expected) < 4 * expected.squareRoot())
    }

    @Test
    func `a shard has as many different holders as it is replicated, or as there are workers`() {
        for (count, replication, expected) in [(5, 2, 2), (5, 5, 5), (2, 3, 2), (1, 1, 1)] {
            let holders = Self.holders(
                Array(Self.members.prefix(count)), replication: replication)
            #expect(holders.allSatisfy { Set($0).count == expected && $0.count == expected })
        }
    }

    @Test func `the order in which workers are named does not matter`() {
        let forward = Self.holders(Self.members, replication: 2)
        #expect(Self.holders(Self.members.reversed(), replication: 2) == forward)
    }

    @Test func `every worker is the first holder of its share of shards`() {
        let first = Self.holders(Self.members, replication: 2).map { $0[0] }
        for member in Self.members {
            // 400 expected; 4 standard deviations are 72.
            #expect((320...480).contains(first.count { $0 == member }))
        }
    }

    @Test func `a group's holders are asked first, then every other worker once`() {
        let placement = Placement(members: Self.members, shards: Self.shards, replication: 2)
        for group in placement.holders.indices {
            let order = placement.order(of: group)
            #expect(Array(order.prefix(2)) == placement.holders[group])
            #expect(order.sorted() == Array(0..<5))
        }
    }

    @Test func `a worker holds exactly the shards that name it as a holder`() {
        let placement = Placement(members: Self.members, shards: Self.shards, replication: 2)
        let held = Self.members.indices.map { placement.shards(heldBy: $0) }
        #expect(held.reduce(0) { $0 + $1.count } == 2 * Self.shards.count)
        for (member, shards) in held.enumerated() {
            #expect(shards.allSatisfy { placement.holders[placement.groups[$0]].contains(member) })
        }
    }
}
