// A version that answers queries, and the number of queries that hold it.
//
// Invariant: a version is retired only after the last query that began with it has ended.
package import Catalog
package import SearchTypes
import Synchronization
package import VectorCore

/// A version ready to be searched. Each ``ServedIndex/acquire()`` is followed by one ``release()``.
package final class ServedVersion: Sendable {
    private struct Use {
        /// Number of queries under way, plus one while this is the version that answers.
        var holders = 1
        var waiter: CheckedContinuation<Void, Never>?
    }

    package let manifest: Manifest
    package let backend: any VersionBackend
    package let metric: Metric
    let limits: QueryLimits
    private let use = Mutex(Use())

    package init(_ manifest: Manifest, _ backend: any VersionBackend, largestK: Int) {
        self.manifest = manifest
        self.backend = backend
        metric = Metric(rawValue: manifest.index.metric) ?? .l2
        limits = QueryLimits(manifest.index, names: .fields, largestK: largestK)
    }

    /// The version's number.
    package var number: Int { manifest.version }

    /// Number of queries that hold it now.
    var holders: Int { use.withLock { max(0, $0.holders - 1) } }

    /// Adds a holder.
    func retain() {
        use.withLock { $0.holders += 1 }
    }

    /// Ends one hold; the last one ends the wait of ``drained()``.
    package func release() {
        let waiter = use.withLock { use -> CheckedContinuation<Void, Never>? in
            use.holders -= 1
            guard use.holders == 0 else { return nil }
            defer { use.waiter = nil }
            return use.waiter
        }
        waiter?.resume()
    }

    /// Returns once there is no holder left.
    func drained() async {
        await withCheckedContinuation { continuation in
            let isFree = use.withLock { use in
                if use.holders > 0 { use.waiter = continuation }
                return use.holders == 0
            }
            if isFree { continuation.resume() }
        }
    }
}
