// SIGINT and SIGTERM as a request to stop early, so that a run can still report what it measured.
import Foundation
package import Reporting
import UnixSignals

/// Turns signals into a ``StopSign``.
package enum Interruption {
    /// Runs `body` with a sign that the first SIGINT or SIGTERM sets. A second ends the process.
    package static func watch<Value: Sendable>(
        _ body: (StopSign) async -> Value
    ) async -> Value {
        let stop = StopSign()
        return await withTaskGroup(of: Value?.self) { group in
            let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
            group.addTask {
                for await _ in signals {
                    if stop.isSet { exit(130) }
                    stop.stop()
                }
                return nil
            }
            let value = await body(stop)
            group.cancelAll()
            return value
        }
    }
}
