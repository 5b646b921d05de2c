// The workers of one moment and what of a version each of them holds.
import ObjectStore

/// Links and the placement over them. Immutable: other members, another set.
struct WorkerSet: Sendable {
    /// Ascending by address.
    let links: [WorkerLink]
    let placement: Placement
    /// For each group, whom to ask in which order.
    let orders: [[Int]]

    init(_ links: [WorkerLink], shards: [ContentDigest], replication: Int) {
        self.links = links
        placement = Placement(
            members: links.map(\.address.description), shards: shards, replication: replication)
        orders = placement.holders.indices.map { [placement] in placement.order(of: $0) }
    }
}
