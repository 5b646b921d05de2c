// Heat kept over a restart: read before the first shard is brought, written now and then and at the end.
import ServiceLifecycle
import Synchronization
import TesseraBase

/// Saves the heat of a cache; nothing where it has no file.
package final class HeatKeeper: Sendable {
    private let cache: ShardCache
    private let file: HeatFile?
    private let interval: Duration
    private let hasRecalled = Atomic(false)

    /// - Parameters:
    ///   - file: nil forgets.
    ///   - interval: between two savings.
    package init(
        _ cache: ShardCache, in file: HeatFile?, every interval: Duration = .seconds(60)
    ) {
        self.cache = cache
        self.file = file
        self.interval = interval
    }

    /// Takes over what was kept; the first call counts.
    package func recall() async {
        guard let file, !hasRecalled.exchange(true, ordering: .relaxed) else { return }
        cache.recall(await file.read())
    }

    /// Keeps which shards are asked for.
    package func save() async {
        guard let file else { return }
        // Before anything was asked the file knows better.
        let heat = cache.heat
        if !heat.isEmpty { await file.write(heat) }
    }

    /// Saves until the service is shut down.
    package func run() async {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: self.interval)
                await self.save()
            }
        }
    }
}
