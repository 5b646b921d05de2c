// Keeps access frequencies over restarts: reads them before the first shard is loaded, and writes
// them at intervals and at shutdown.
import ServiceLifecycle
import Synchronization
package import TesseraBase

/// Saves and restores the access frequencies of a cache; does nothing without a file.
package final class HeatKeeper: Sendable {
    private let cache: ShardCache
    private let file: HeatFile?
    private let interval: Duration
    private let clock: SteadyClock
    private let hasRecalled = Atomic(false)

    /// - Parameters:
    ///   - file: where frequencies are kept; nil keeps none.
    ///   - interval: time between two saves.
    package init(
        _ cache: ShardCache, in file: HeatFile?, every interval: Duration = .seconds(60),
        clock: SteadyClock = .system
    ) {
        self.cache = cache
        self.file = file
        self.interval = interval
        self.clock = clock
    }

    /// Restores the saved frequencies; only the first call has an effect.
    package func recall() async {
        guard let file, !hasRecalled.exchange(true, ordering: .relaxed) else { return }
        cache.recall(await file.read())
    }

    /// Saves the current frequencies.
    package func save() async {
        guard let file else { return }
        // Without any access yet, the saved file is the better record.
        let heat = cache.heat
        if !heat.isEmpty { await file.write(heat) }
    }

    /// Saves at intervals until the service shuts down.
    package func run() async {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await self.clock.sleep(self.interval)
                await self.save()
            }
        }
    }
}
