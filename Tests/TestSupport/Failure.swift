// The error that a piece of work ends with, for tests that look at its code and its message.
package import TesseraBase

/// The error that `body` throws; nil if it throws none.
package func failure(_ body: () async throws -> Void) async -> TesseraError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? TesseraError
    }
}
