// One version that answers queries, and how many queries hold it.
//
// Invariant: a version is retired after the last query that began with it has ended, never before.
package import Catalog
package import SearchTypes
import Synchronization
package import VectorCore

/// A version ready to be searched. Whoever gets one from ``ServedIndex/acquire()`` gives it back by ``release()``.
package final class ServedVersion: Sendable {
    private struct Use {
        /// Queries under way, and one for being the version that answers.
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

    package var number: Int { manifest.version }

    /// Queries that hold it now.
    var holders: Int { use.withLock { max(0, $0.holders - 1) } }

    func retain() {
        use.withLock { $0.holders += 1 }
    }

    package func release() {
        let waiter = use.withLock { use -> CheckedContinuation<Void, Never>? in
            use.holders -= 1
            guard use.holders == 0 else { return nil }
            defer { use.waiter = nil }
            return use.waiter
        }
        waiter?.resume()
    }

    /// Returns once nobody holds it.
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
