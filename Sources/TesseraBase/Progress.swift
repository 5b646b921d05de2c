// Progress of long work. Modules report it; an executable decides how to show it.

/// A step of long work, in units of its own.
package struct ProgressUpdate: Sendable, Equatable {
    /// What is being done, as a person would say it: "training shards".
    package let phase: String
    package let completed: Int
    package let total: Int
    /// What is counted: "vectors", "shards".
    package let unit: String

    package init(phase: String, completed: Int, total: Int, unit: String) {
        self.phase = phase
        self.completed = completed
        self.total = total
        self.unit = unit
    }
}

/// Receives progress, from any thread and often; it must be cheap.
package typealias ProgressHandler = @Sendable (ProgressUpdate) -> Void
