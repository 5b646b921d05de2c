// Ctrl-C asks for what there is; a second one does not wait for it.
import Analysis
import Foundation
import Reporting
import UnixSignals

enum Interruption {
    /// Runs `body`; the sign it gets is set at the first SIGINT or SIGTERM.
    static func watch<Value: Sendable>(
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
