// Wall-clock time as an injected value, so that tests decide what time it is.
package import Foundation

/// Tells the time of day.
package struct WallClock: Sendable {
    package let now: @Sendable () -> Date

    package init(now: @escaping @Sendable () -> Date) {
        self.now = now
    }

    /// The machine's clock.
    package static let system = WallClock(now: { Date() })

    /// A clock that stands still.
    package static func fixed(_ date: Date) -> WallClock {
        WallClock(now: { date })
    }
}
