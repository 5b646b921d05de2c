// The tries of one operation, one after the other, each in its turn and within the time that is
// left.
internal import Synchronization
internal import TesseraBase

/// Name and size of an operation, for messages and time limits.
struct RetriedCall: Sendable {
    /// Name for messages: "reading 'a/b'".
    let name: String
    /// Bytes it moves; nil where that is not known.
    let bytes: Int?

    init(_ name: String, bytes: Int?) {
        self.name = name
        self.bytes = bytes
    }
}

/// How all tries of one operation ended.
struct Attempts<Value: Sendable>: Sendable {
    let result: Result<Value, TesseraError>
    /// A try whose answer was lost may have been applied.
    let outcomeUnknown: Bool
}

extension RetryingStore {
    func attempts<Value: Sendable>(
        _ call: RetriedCall, limit: Duration,
        _ body: @escaping @Sendable () async throws(TesseraError) -> Value
    ) async -> Attempts<Value> {
        let start = clock.now()
        state.withLock { $0.budget.deposit(at: start) }
        var outcomeUnknown = false
        var attempt = 1
        var last: TesseraError?
        while true {
            if let end = await waitForTurn(call, until: start + limit, last, attempt - 1, start) {
                return Attempts(result: .failure(end), outcomeUnknown: outcomeUnknown)
            }
            let error: TesseraError
            switch await once(call, until: start + limit, body) {
            case .success(let value):
                return Attempts(result: .success(value), outcomeUnknown: outcomeUnknown)
            case .failure(let failure): error = failure
            }
            if Task.isCancelled {
                let end = cancelled(call, last: error)
                return Attempts(result: .failure(end), outcomeUnknown: outcomeUnknown)
            }
            outcomeUnknown = outcomeUnknown || error.storeFailure?.outcomeUnknown == true
            let elapsed = clock.now() - start
            switch decide(error, attempt: attempt, elapsed: elapsed, limit: limit) {
            case .giveUp(let reason):
                let end = givenUp(error, reason, attempt, elapsed)
                return Attempts(result: .failure(end), outcomeUnknown: outcomeUnknown)
            case .retry(let delay):
                guard await pause(delay) else {
                    let end = cancelled(call, last: error)
                    return Attempts(result: .failure(end), outcomeUnknown: outcomeUnknown)
                }
                last = error
                attempt += 1
            }
        }
    }

    private func decide(
        _ error: TesseraError, attempt: Int, elapsed: Duration, limit: Duration
    ) -> RetryDecision {
        guard error.code != .cancelled else { return .giveUp(.final) }
        let failure = error.storeFailure
        let chance = jitter.next()
        let now = clock.now()
        return state.withLock { state in
            if failure?.status != nil { state.hasAnswered = true }
            if failure?.isThrottle == true { state.rate.throttled(at: now) }
            return policy.decide(
                failure, attempt: attempt, elapsed: elapsed, limit: limit,
                hasAnswered: state.hasAnswered, jitter: chance
            ) { state.budget.withdraw(at: now) }
        }
    }

    /// Waits until the store's rate allows a request; returns what ends the operation instead, if
    /// anything does.
    private func waitForTurn(
        _ call: RetriedCall, until deadline: Duration, _ last: TesseraError?, _ tries: Int,
        _ start: Duration
    ) async -> TesseraError? {
        if Task.isCancelled { return cancelled(call, last: last) }
        let now = clock.now()
        let wait = state.withLock { state -> Duration? in
            let wait = state.rate.reserve(at: now)
            if now + wait < deadline { return wait }
            state.rate.refund()
            return nil
        }
        guard let wait else {
            if let last { return givenUp(last, .deadline, tries, now - start) }
            return TesseraError(
                .unavailable,
                "\(call.name) failed: \(address) allows so few requests at present that its turn "
                    + "would not come in time; ask for less at once")
        }
        guard wait > .zero else { return nil }
        if await pause(wait) { return nil }
        state.withLock { $0.rate.refund() }
        return cancelled(call, last: last)
    }

    /// Makes one try, within the time that is left.
    private func once<Value: Sendable>(
        _ call: RetriedCall, until deadline: Duration,
        _ body: @escaping @Sendable () async throws(TesseraError) -> Value
    ) async -> Result<Value, TesseraError> {
        let limit = min(policy.requestLimit(bytes: call.bytes), deadline - clock.now())
        guard let result = await clock.race(limit: limit, body) else {
            let cause = StoreFailure(
                isRetryable: true, outcomeUnknown: true,
                detail: "the request was stopped after \(limit.text)")
            return .failure(
                TesseraError(
                    .unavailable, "\(call.name) failed: no answer from \(address)", cause: cause))
        }
        let now = clock.now()
        if case .success = result {
            state.withLock {
                $0.hasAnswered = true
                $0.rate.succeeded(at: now)
            }
        }
        return result
    }

    /// Waits; false if the task was cancelled.
    private func pause(_ delay: Duration) async -> Bool {
        do { try await clock.sleep(delay) } catch { return false }
        return !Task.isCancelled
    }

    private func givenUp(
        _ error: TesseraError, _ reason: GiveUpReason, _ tries: Int, _ elapsed: Duration
    ) -> TesseraError {
        guard let why = reason.text else { return error }
        let count = tries == 1 ? "1 try" : "\(tries) tries"
        return TesseraError(
            error.code, "\(error.message) (gave up after \(count) in \(elapsed.text): \(why))",
            cause: error.cause)
    }

    private func cancelled(_ call: RetriedCall, last: TesseraError?) -> TesseraError {
        TesseraError(.cancelled, "\(call.name) was cancelled", cause: last)
    }
}
