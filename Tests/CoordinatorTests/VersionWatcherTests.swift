// The watcher by a clock that the test moves: it polls when its interval is over.
import Catalog
import Coordinator
import Logging
import Search
import TesseraBase
import Testing

@Suite(.timeLimit(.minutes(5)))
struct VersionWatcherTests {
    /// Runs `body` beside a watcher that polls once an hour, once version 1 answers.
    private func watching(
        _ index: PublishedIndex, _ body: (ManualClock, ServedIndex) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let indexes = ServedIndexes(store: index.store, clock: clock.steady)
        let watcher = VersionWatcher(
            indexes, provider: LocalProvider(store: index.store, pool: WorkPool(width: 1)),
            settings: WatchSettings(interval: .seconds(3600)), clock: clock.steady,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await watcher.run() }
            defer { group.cancelAll() }
            while indexes["photos"]?.status.version != 1 { await Task.yield() }
            try await body(clock, try #require(indexes["photos"]))
        }
    }

    @Test func `a new version is taken up at the next poll`() async throws {
        let index = try await PublishedIndex()
        try await watching(index) { clock, served in
            _ = try await index.draft(nprobe: 3)
            _ = try await index.catalog.publish()
            // Each wait is up to a quarter shorter or longer than the interval.
            await clock.waitForWake(in: .seconds(2700)...(.seconds(4500)))
            clock.advance(by: .seconds(2699))
            #expect(served.status.version == 1)
            clock.advance(by: .seconds(4500 - 2699))
            while served.status.version != 2 { await Task.yield() }
        }
    }
}
