// How a store's failure reads, and where it is found inside an error.
package import TesseraBase

extension StoreFailure: CustomStringConvertible {
    package var description: String { detail }
}

extension TesseraError {
    /// The failure of a remote store that this error came from.
    package var storeFailure: StoreFailure? {
        if let failure = cause as? StoreFailure { return failure }
        return (cause as? TesseraError)?.storeFailure
    }
}
