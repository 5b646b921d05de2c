// The workers of one moment, and the shards of a version that each of them holds.
package import ObjectStore

/// Links and the placement over them. Immutable: other members make another set.
package struct WorkerSet: Sendable {
    /// Ascending by address.
    package let links: [WorkerLink]
    package let placement: Placement
    /// For each group, its members in the order they are asked.
    package let orders: [[Int]]

    package init(_ links: [WorkerLink], shards: [ContentDigest], replication: Int) {
        self.links = links
        placement = Placement(
            members: links.map(\.address.description), shards: shards, replication: replication)
        orders = placement.holders.indices.map { [placement] in placement.order(of: $0) }
    }
}
