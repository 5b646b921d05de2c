// Reading a part of an object that a manifest or another object says is there.
package import TesseraBase

extension ObjectStore {
    /// The bytes in `range`. An object that ends before is `corrupted`: nobody asked for anything impossible, the object
    /// is not what was published.
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

    /// Runs `body`, and once more if it finds the object damaged: on the way, or in a copy nearby, which is forgotten.
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
