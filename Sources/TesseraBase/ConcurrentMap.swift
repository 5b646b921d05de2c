// The package's one fan-out: bounded, results in order, all tasks finished when it returns.

/// Applies `body` to each item, at most `width` at once; results are in the order of the items. A
/// single item needs no task of its own.
///
/// The first error cancels what is still running and is thrown when all of it has stopped.
package func mapConcurrently<Item: Sendable, Output: Sendable>(
    _ items: [Item], width: Int, completed: @escaping @Sendable (Int) -> Void = { _ in },
    _ body: @escaping @Sendable (Item) async throws(TesseraError) -> Output
) async throws(TesseraError) -> [Output] {
    if let only = items.first, items.count == 1 {
        let output = try await body(only)
        completed(1)
        return [output]
    }
    let result = await withTaskGroup(
        of: (Int, Result<Output, TesseraError>).self,
        returning: Result<[Output], TesseraError>.self
    ) { group in
        var outputs = [Output?](repeating: nil, count: items.count)
        var failure: TesseraError?
        var next = 0
        func addNext() {
            guard next < items.count, failure == nil else { return }
            let (position, item) = (next, items[next])
            next += 1
            group.addTask {
                do throws(TesseraError) {
                    return (position, .success(try await body(item)))
                } catch {
                    return (position, .failure(error))
                }
            }
        }
        for _ in 0..<width { addNext() }
        var count = 0
        while let (position, outcome) = await group.next() {
            switch outcome {
            case .success(let output):
                outputs[position] = output
                count += 1
                completed(count)
            case .failure(let error):
                failure = failure ?? error
                group.cancelAll()
            }
            addNext()
        }
        return failure.map { .failure($0) } ?? .success(outputs.compactMap { $0 })
    }
    return try result.get()
}
