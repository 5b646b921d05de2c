// How many retries a store may see: a share of the requests, so that an outage is not made worse by
// its clients.
import TesseraBase

/// A balance of retries. Each request pays a part of one in, each retry takes one out.
package struct RetryBudget: Sendable {
    /// How retries are paid in.
    package struct Limits: Sendable, Equatable {
        /// Retries paid in by each request.
        package var share = 0.2
        /// Retries paid in by the passing of a second, so that a lone client can wait out an
        /// outage.
        package var perSecond = 1.0
        /// Largest balance, and the balance at the start.
        package var capacity = 50.0

        package init() {}
    }

    private let limits: Limits
    private var balance: Double
    private var paidAt = Duration.zero

    package init(_ limits: Limits, at now: Duration) {
        self.limits = limits
        balance = limits.capacity
        paidAt = now
    }

    /// Pays in for a new request.
    package mutating func deposit(at now: Duration) {
        pass(to: now)
        balance = min(limits.capacity, balance + limits.share)
    }

    /// Takes one retry, if there is one.
    package mutating func withdraw(at now: Duration) -> Bool {
        pass(to: now)
        guard balance >= 1 else { return false }
        balance -= 1
        return true
    }

    private mutating func pass(to now: Duration) {
        let seconds = max(0, (now - paidAt).seconds)
        paidAt = max(paidAt, now)
        balance = min(limits.capacity, balance + seconds * limits.perSecond)
    }
}
