// A progress bar with rate and time left.
import Foundation
import Synchronization
package import TesseraBase

/// Draws on standard error, at most ten times a second, and only if that is a terminal.
package final class ProgressBar: Sendable {
    private struct State {
        var phase = ""
        var started = SteadyClock.Instant.zero
        var drawn = SteadyClock.Instant.zero
        var open = false
    }

    private static let width = 24
    private let isActive: Bool
    private let clock: SteadyClock
    private let state = Mutex(State())

    package init(quiet: Bool, clock: SteadyClock = .system) {
        isActive = !quiet && isatty(STDERR_FILENO) == 1
        self.clock = clock
    }

    /// Takes the updates of a task.
    package var handler: ProgressHandler {
        { [self] update in show(update) }
    }

    /// Ends the line that is being drawn, and leaves it as it is.
    package func finish() {
        state.withLock { state in
            if state.open { Terminal.write("\n") }
            state.open = false
        }
    }

    private func show(_ update: ProgressUpdate) {
        guard isActive else { return }
        state.withLock { state in
            let now = clock.now()
            if state.phase != update.phase {
                if state.open { Terminal.write("\n") }
                state = State(
                    phase: update.phase, started: now, drawn: now - .seconds(1), open: true)
            }
            let isLast = update.completed >= update.total
            guard isLast || now - state.drawn > .milliseconds(100) else { return }
            state.drawn = now
            Terminal.write("\r\u{1B}[K" + Self.line(update, elapsed: now - state.started))
        }
    }

    /// `building shards  [######------]  40%  24,000/60,000 vectors  12,000/s  0:03 left`
    static func line(_ update: ProgressUpdate, elapsed: Duration) -> String {
        let share = update.total > 0 ? Double(update.completed) / Double(update.total) : 0
        let filled = Int(share * Double(width))
        let bar =
            String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
        var line = "\(update.phase)  [\(bar)] \(Int(share * 100))%  "
        line += "\(update.completed.grouped)/\(update.total.grouped) \(update.unit)"
        guard update.completed > 0, elapsed.seconds > 0.2 else { return line }
        let rate = Double(update.completed) / elapsed.seconds
        let left = Int(Double(update.total - update.completed) / rate)
        line += "  \(Int(rate).grouped)/s"
        line += "  \(left / 60):\(left % 60 < 10 ? "0" : "")\(left % 60) left"
        return line
    }
}
