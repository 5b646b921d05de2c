// The version that an option names.
package import Catalog
package import TesseraBase

extension Catalog {
    /// The manifest of version `number`, or of the latest if it is nil.
    package func version(_ number: Int?) async throws(TesseraError) -> Manifest {
        guard let number else { return try await latest() }
        return try await manifest(number)
    }
}
