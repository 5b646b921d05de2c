// One participant of a race between processes or machines to create the same objects first.
package import Foundation
package import ObjectStore
package import TesseraBase

/// Races on put-if-absent against all participants with the same name. The objects stay in the
/// store, since no participant knows when the last one is done.
package struct StoreRace: Sendable {
    private let store: any ObjectStore
    private let folder: String
    private let clock: WallClock
    private let steadyClock: SteadyClock

    /// - Parameter name: the same for all participants, new for each race.
    package init(
        _ store: any ObjectStore, name: String, clock: WallClock = .system,
        steadyClock: SteadyClock = .system
    ) {
        self.store = store
        self.clock = clock
        self.steadyClock = steadyClock
        folder = ".tessera-doctor/race-\(name)"
    }

    /// Tries to create each round's object at the round's time; returns the rounds that this
    /// participant won.
    ///
    /// - Parameters:
    ///   - start: when the first round begins, so that participants meet.
    ///   - interval: from one round's beginning to the next one's.
    package func run(rounds: Int, participant: String, start: Date, interval: Duration)
        async throws(TesseraError) -> [Int]
    {
        var won: [Int] = []
        for round in 0..<rounds {
            let begin = start.addingTimeInterval(Double(round) * interval.seconds)
            let wait = begin.timeIntervalSince(clock.now())
            if wait > 0 { try? await steadyClock.sleep(.seconds(wait)) }
            let bytes = Array("\(participant) round \(round)".utf8)
            if try await store.create("\(folder)/\(round)", bytes) { won.append(round) }
        }
        return won
    }
}
