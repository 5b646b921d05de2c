// Moves queries to new versions: polls for version N+1 by its key, opens it, flips to it, retires
// the old one.
//
// Invariants: while a version cannot be opened, the one before it serves. A version answers only
// after its backend is open and warm. No version is retired while a query holds it.
package import Catalog
package import Logging
package import SearchTypes
import ServiceLifecycle
package import TesseraBase
import VectorCore

/// Settings of a ``VersionWatcher``.
package struct WatchSettings: Sendable {
    /// The indexes to serve; nil for all that the store holds, now and later.
    package var indexes: [IndexName]?
    /// Time between two polls for a newer version. Each wait is up to a quarter shorter or longer,
    /// so that many servers do not poll together.
    package var interval: Duration
    /// Results that a query may ask for.
    package var largestK: Int
    /// Seed of the random part of each wait.
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
    /// Time between two looks for new indexes, in intervals of ``WatchSettings/interval``.
    private static let intervalsPerListing = 5

    private let indexes: ServedIndexes
    private let provider: any BackendProvider
    private let settings: WatchSettings
    private let clock: SteadyClock
    private let logger: Logger

    package init(
        _ indexes: ServedIndexes, provider: any BackendProvider, settings: WatchSettings,
        clock: SteadyClock = .system, logger: Logger
    ) {
        self.indexes = indexes
        self.provider = provider
        self.settings = settings
        self.clock = clock
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
                    try? await clock.sleep(settings.interval * Self.intervalsPerListing)
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
            seed: settings.seed, stream: StableHash.hash(Array(index.name.utf8)))
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
