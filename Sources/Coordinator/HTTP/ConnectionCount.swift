// The number of open connections, and whether one more may be accepted.
import HummingbirdCore
import Synchronization

/// Counts open connections. Copies share one count.
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
