// Counts work that several tasks do concurrently.
import Synchronization

/// Adds up the work of all tasks and reports the sum.
package final class ProgressCounter: Sendable {
    private let phase: String
    private let total: Int
    private let unit: String
    private let handler: ProgressHandler
    private let completed = Mutex(0)

    package init(phase: String, total: Int, unit: String, handler: @escaping ProgressHandler) {
        self.phase = phase
        self.total = total
        self.unit = unit
        self.handler = handler
        handler(ProgressUpdate(phase: phase, completed: 0, total: total, unit: unit))
    }

    /// Adds finished work and reports the sum.
    package func advance(by count: Int) {
        let now = completed.withLock { value in
            value += count
            return value
        }
        handler(ProgressUpdate(phase: phase, completed: now, total: total, unit: unit))
    }
}
