// A race of work against the clock.

/// The result of `body` as a value.
package func outcome<Value>(
    _ body: () async throws(TesseraError) -> Value
) async -> Result<Value, TesseraError> {
    do throws(TesseraError) { return .success(try await body()) } catch { return .failure(error) }
}

extension SteadyClock {
    /// Runs `body`, cancels it when `limit` has passed, and returns nil where that ended it.
    ///
    /// Waits for `body` to end in any case, so `body` has to react to cancellation.
    package func race<Value: Sendable>(
        limit: Duration, _ body: @escaping @Sendable () async throws(TesseraError) -> Value
    ) async -> Result<Value, TesseraError>? {
        await withTaskGroup(of: Racer<Value>.self) { group in
            group.addTask { .work(await outcome(body)) }
            group.addTask {
                do { try await alarm(limit) } catch { return .alarm(rang: false) }
                return .alarm(rang: true)
            }
            var hasRung = false
            while let racer = await group.next() {
                switch racer {
                case .alarm(let rang):
                    guard rang else { continue }
                    hasRung = true
                    group.cancelAll()
                case .work(let result):
                    group.cancelAll()
                    // What failed after the alarm failed because of it; what succeeded all the same
                    // counts.
                    if hasRung, case .failure = result { return nil }
                    return result
                }
            }
            return nil
        }
    }
}

private enum Racer<Value: Sendable>: Sendable {
    case work(Result<Value, TesseraError>)
    case alarm(rang: Bool)
}
