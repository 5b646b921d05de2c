// Finds a store's failure inside an error.
package import TesseraBase

extension TesseraError {
    /// The failure of a remote store that this error came from.
    package var storeFailure: StoreFailure? {
        if let failure = cause as? StoreFailure { return failure }
        return (cause as? TesseraError)?.storeFailure
    }
}
