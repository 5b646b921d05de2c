// Work on several items at once, not more than so many at a time, and a race of work against the clock.
internal import TesseraBase

/// `body` of each item, in the items' order, `width` at a time. The first failure cancels the rest and is thrown.
func boundedMap<Item: Sendable, Output: Sendable>(
    _ items: [Item], width: Int,
    _ body: @escaping @Sendable (Item) async throws(TesseraError) -> Output
) async throws(TesseraError) -> [Output] {
    var outputs = [Output?](repeating: nil, count: items.count)
    var failure: TesseraError?
    await withTaskGroup(of: (Int, Result<Output, TesseraError>).self) { group in
        var next = 0
        func start() {
            guard next < items.count, failure == nil else { return }
            let index = next
            next += 1
            group.addTask { [item = items[index]] in
                (index, await outcome { () throws(TesseraError) in try await body(item) })
            }
        }
        for _ in 0..<width { start() }
        for await (index, result) in group {
            switch result {
            case .success(let output): outputs[index] = output
            case .failure(let error):
                failure = failure ?? error
                group.cancelAll()
            }
            start()
        }
    }
    if let failure { throw failure }
    return outputs.compactMap { $0 }
}

/// The result of `body` as a value.
func outcome<Value>(
    _ body: () async throws(TesseraError) -> Value
) async -> Result<Value, TesseraError> {
    do throws(TesseraError) { return .success(try await body()) } catch { return .failure(error) }
}

extension SteadyClock {
    /// Runs `body`, cancels it when `limit` has passed, and returns nil where that ended it.
    ///
    /// Waits for `body` to end in any case: it has to heed cancellation.
    func race<Value: Sendable>(
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
                    // What failed after the alarm failed because of it; what succeeded all the same counts.
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
