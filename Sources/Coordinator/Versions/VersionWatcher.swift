// Learns of new versions and moves queries to them: asks for version N+1 by its key, opens it, flips, retires the old.
//
// Invariants: a version that cannot be opened leaves the one before serving; a version answers only after its backend is
// open and warm; nothing is retired while a query holds it.
package import Catalog
package import Logging
package import SearchTypes
import ServiceLifecycle
import TesseraBase
import VectorCore

/// How versions are watched.
package struct WatchSettings: Sendable {
    /// The indexes to serve; nil for all that the store holds, also those to come.
    package var indexes: [IndexName]?
    /// Between questions for a next version; each wait is up to a quarter shorter or longer, so that many servers do not ask
    /// together.
    package var interval: Duration
    /// Results a query may ask for.
    package var largestK: Int
    /// Of the jitter.
    package var seed: UInt64

    package init(
        indexes: [IndexName]? = nil, interval: Duration = .seconds(2),
        largestK: Int = QueryLimits.largestK, seed: UInt64 = 0
    ) {
        self.indexes = indexes
        self.interval = interval
        self.largestK = largestK
        self.seed = seed
    }
}

/// Keeps every served index at its newest version.
package struct VersionWatcher: Service {
    /// Waits between looks for new indexes, counted in ``WatchSettings/interval``.
    private static let looksApart = 5

    private let indexes: ServedIndexes
    private let provider: any BackendProvider
    private let settings: WatchSettings
    private let logger: Logger

    package init(
        _ indexes: ServedIndexes, provider: any BackendProvider, settings: WatchSettings,
        logger: Logger
    ) {
        self.indexes = indexes
        self.provider = provider
        self.settings = settings
        self.logger = logger
    }

    /// Watches until shut down, then waits for the last queries and retires every version.
    package func run() async {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { watches in
                while !Task.isCancelled {
                    for index in await newIndexes() {
                        watches.addTask { await watch(index) }
                    }
                    try? await Task.sleep(for: settings.interval * Self.looksApart)
                }
            }
        }
    }

    private func newIndexes() async -> [ServedIndex] {
        do throws(TesseraError) {
            let names: [IndexName]
            if let given = settings.indexes {
                names = given
            } else {
                names = try await indexes.found()
            }
            var new: [ServedIndex] = []
            for name in names {
                if let index = try indexes.add(name) { new.append(index) }
            }
            return new
        } catch {
            logger.warning("indexes cannot be listed", metadata: ["error": "\(error)"])
            return []
        }
    }

    private func watch(_ index: ServedIndex) async {
        var random = SeededRandom(
            seed: settings.seed, stream: UInt64(truncatingIfNeeded: index.name.hashValue))
        var search = VersionSearch(index, logger: logger)
        await withDiscardingTaskGroup { retirements in
            while !Task.isCancelled {
                if let found = await search.next(), let version = await open(found, of: index) {
                    search.opened(found)
                    if let old = index.flip(to: version) {
                        retirements.addTask { await index.retire(old) }
                    }
                }
                index.report(problem: search.problem)
                let jitter = Double.random(in: 0.75...1.25, using: &random)
                await index.bell.wait(upTo: settings.interval * jitter)
            }
            if let last = index.flip(to: nil) { retirements.addTask { await index.retire(last) } }
        }

        func open(_ manifest: Manifest, of index: ServedIndex) async -> ServedVersion? {
            do throws(TesseraError) {
                let backend = try await provider.open(
                    index: index.name, version: manifest.version)
                logger.info(
                    "serving",
                    metadata: ["index": "\(index.name)", "version": "\(manifest.version)"])
                return ServedVersion(manifest, backend, largestK: settings.largestK)
            } catch {
                search.failed(manifest, error)
                return nil
            }
        }
    }
}
