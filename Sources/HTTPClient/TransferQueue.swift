// Decides which request runs next. Pure: it is told of events and returns actions, which the loop
// performs.
//
// Invariants: no more than `totalLimit` transfers run, nor more than `originLimit` to one origin,
// and since a transfer uses at most one connection, that bounds connections too. Within an origin,
// first come, first served; an origin that is full does not hold up another.
package import TesseraBase

/// Requests that wait and requests that run, by number.
package struct TransferQueue: Sendable {
    private struct Entry {
        let id: UInt64
        let origin: Substring
        let deadline: SteadyClock.Instant
    }

    /// What a removed request was doing.
    package enum Removal: Sendable, Equatable {
        /// The request had not started.
        case waiting
        /// Its transfer has to be stopped.
        case running
    }

    private let totalLimit: Int
    private let originLimit: Int
    private var waiting: [Entry] = []
    private var running: [UInt64: Substring] = [:]
    private var runningByOrigin: [Substring: Int] = [:]

    package init(totalLimit: Int, originLimit: Int) {
        precondition(totalLimit > 0 && originLimit > 0, "a queue without room runs nothing")
        self.totalLimit = totalLimit
        self.originLimit = originLimit
    }

    package var isEmpty: Bool { waiting.isEmpty && running.isEmpty }

    /// Adds a request that waits.
    package mutating func add(
        _ id: UInt64, origin: Substring, deadline: SteadyClock.Instant
    ) {
        waiting.append(Entry(id: id, origin: origin, deadline: deadline))
    }

    /// The next to start, if there is room; it counts as running from here on.
    package mutating func startNext() -> UInt64? {
        guard running.count < totalLimit,
            let index = waiting.firstIndex(where: {
                runningByOrigin[$0.origin, default: 0] < originLimit
            })
        else { return nil }
        let entry = waiting.remove(at: index)
        running[entry.id] = entry.origin
        runningByOrigin[entry.origin, default: 0] += 1
        return entry.id
    }

    /// Removes a request that is finished or no longer wanted; nil for an unknown one.
    package mutating func remove(_ id: UInt64) -> Removal? {
        if let origin = running.removeValue(forKey: id) {
            let count = runningByOrigin[origin, default: 1] - 1
            runningByOrigin[origin] = count == 0 ? nil : count
            return .running
        }
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { return nil }
        waiting.remove(at: index)
        return .waiting
    }

    /// Removes and returns the requests whose deadline passed before they started.
    package mutating func removeExpired(at now: SteadyClock.Instant) -> [UInt64] {
        let late = waiting.filter { $0.deadline <= now }.map(\.id)
        if !late.isEmpty { waiting.removeAll { $0.deadline <= now } }
        return late
    }

    /// The earliest deadline of a waiting request.
    package var nextDeadline: SteadyClock.Instant? {
        waiting.lazy.map(\.deadline).min()
    }

    /// All requests, in no order.
    package var all: [UInt64] { waiting.map(\.id) + running.keys }
}
