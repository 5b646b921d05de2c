// Put-if-absent over a connection that can lose answers: reading back tells the outcome.
package import TesseraBase

extension RetryingStore {
    /// A try whose answer was lost may have been applied, and then the next one finds the object
    /// there. So if a try has an unknown outcome, "it exists" and giving up both mean: read it, and
    /// compare it with ours. Callers put something into the object that no other writer has.
    package func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        let call = RetriedCall("creating '\(key)'", bytes: bytes.count)
        let limit = policy.operationLimit(bytes: bytes.count) - policy.settleTimeout
        let made = await attempts(call, limit: max(limit, policy.requestTimeout)) {
            [base] () throws(TesseraError) in try await base.create(key, bytes)
        }
        guard made.outcomeUnknown else { return try made.result.get() }
        switch made.result {
        case .success(true): return true
        case .success(false): return try await settle(key, bytes, after: nil)
        case .failure(let error) where error.code == .cancelled: throw error
        case .failure(let error): return try await settle(key, bytes, after: error)
        }
    }

    /// Whether the object at `key` is ours.
    ///
    /// - Parameter error: what writing ended with, nil where the store says that the object exists.
    private func settle(
        _ key: ObjectKey, _ bytes: [UInt8], after error: TesseraError?
    ) async throws(TesseraError) -> Bool {
        let call = RetriedCall("reading back '\(key)'", bytes: bytes.count)
        let read = await attempts(call, limit: policy.settleTimeout) {
            [base] () throws(TesseraError) in try await base.get(key, range: nil)
        }
        switch read.result {
        case .success(let found): return found == bytes
        case .failure(let failure) where failure.code == .cancelled: throw failure
        case .failure(let failure): throw unsettled(key, error, failure)
        }
    }

    private func unsettled(
        _ key: ObjectKey, _ error: TesseraError?, _ reading: TesseraError
    ) -> TesseraError {
        let first = error?.message ?? "the answer to creating '\(key)' in \(address) was lost"
        let then =
            reading.code == .notFound
            ? "it is not there now, but may still appear"
            : "reading it back failed too: \(reading.message)"
        return TesseraError(
            .unavailable,
            "\(first); whether it was written is not known: \(then); "
                + "look at '\(key)' in \(address) before trying again",
            cause: error?.cause ?? reading.cause)
    }
}
