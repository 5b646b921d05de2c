// Reads parts of objects that a manifest or another object describes.
package import TesseraBase

extension ObjectStore {
    /// The bytes in `range`. Throws `corrupted` if the object ends before: the range comes from a
    /// manifest, so the object is not what was published.
    package func storedPart(_ key: ObjectKey, _ range: Range<UInt64>) async throws(TesseraError)
        -> [UInt8]
    {
        do throws(TesseraError) {
            return try await get(key, range: range)
        } catch  where error.code == .invalidArgument {
            throw TesseraError(
                .corrupted, "\(key) is shorter than when it was published", cause: error)
        }
    }

    /// Several ranges, in the order given; as ``storedPart(_:_:)`` otherwise.
    package func storedParts(
        _ key: ObjectKey, _ ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        do throws(TesseraError) {
            return try await get(key, ranges: ranges)
        } catch  where error.code == .invalidArgument {
            throw TesseraError(
                .corrupted, "\(key) is shorter than when it was published", cause: error)
        }
    }

    /// Runs `body`, and once more if it finds the object damaged, in transit or in a cached copy,
    /// which is dropped first.
    package func rereadingOnce<Value>(
        _ key: ObjectKey, _ body: () async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        do throws(TesseraError) {
            return try await body()
        } catch  where error.code == .corrupted {
            await invalidate(key)
            return try await body()
        }
    }
}
