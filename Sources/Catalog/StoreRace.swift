// One participant of a race between processes or machines: who creates each of a row of objects first?
package import Foundation
package import ObjectStore
package import TesseraBase

/// Races on put-if-absent against whoever else was given the same name. What was raced for stays in the store, since nobody
/// knows when the last participant is done.
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

    /// Tries to create each round's object at the round's moment; the rounds this participant won.
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
