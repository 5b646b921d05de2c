// How many connections are open, and whether there is room for one more.
import HummingbirdCore
import Synchronization

/// Counts connections; copies count together.
struct ConnectionCount: AvailableConnectionsDelegate {
    private final class Box: Sendable {
        let open = Atomic(0)
    }

    private let box = Box()
    private let most: Int

    init(most: Int) {
        self.most = most
    }

    var open: Int { box.open.load(ordering: .relaxed) }

    mutating func connectionOpened() {
        box.open.add(1, ordering: .relaxed)
    }

    mutating func connectionClosed() {
        box.open.subtract(1, ordering: .relaxed)
    }

    func isAcceptingNewConnections() -> Bool { open < most }
}
