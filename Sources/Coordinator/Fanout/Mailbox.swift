// News from other threads for one task.
import Synchronization

/// Anybody puts in; one task takes out, first come first served. It holds as much as its owner causes to be put in.
final class Mailbox<News: Sendable>: Sendable {
    private struct State {
        var news: [News] = []
        var taken = 0
        var waiter: CheckedContinuation<News, Never>?
    }

    private let state = Mutex(State())

    func put(_ news: News) {
        let waiter = state.withLock { state -> CheckedContinuation<News, Never>? in
            guard let waiter = state.waiter else {
                state.news.append(news)
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: news)
    }

    /// Waits for the next. Not cut short by a cancellation: whoever waits has put in a clock as well.
    func next() async -> News {
        await withCheckedContinuation { continuation in
            let news = state.withLock { state -> News? in
                guard state.taken < state.news.count else {
                    state.waiter = continuation
                    return nil
                }
                defer { state.taken += 1 }
                return state.news[state.taken]
            }
            if let news { continuation.resume(returning: news) }
        }
    }
}
