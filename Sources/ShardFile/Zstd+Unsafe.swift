// zstd for small blocks: lengths are known and checked before anything is allocated.
import CZstd
import TesseraBase

/// One-shot compression.
package enum Zstd {
    private static let level: Int32 = 6

    /// The linked library's version. Another one may compress the same bytes to others, all as
    /// readable.
    package static var libraryVersion: String {
        unsafe String(cString: ZSTD_versionString())
    }

    static func compress(_ bytes: [UInt8]) throws(TesseraError) -> [UInt8] {
        let bound = ZSTD_compressBound(bytes.count)
        var failure: String?
        let compressed = unsafe [UInt8](unsafeUninitializedCapacity: bound) { output, count in
            let written = unsafe ZSTD_compress(
                output.baseAddress, bound, bytes, bytes.count, level)
            failure = errorName(written)
            count = failure == nil ? written : 0
        }
        if let failure {
            throw TesseraError(.resourceExhausted, "zstd could not compress: \(failure)")
        }
        return compressed
    }

    /// Throws `corrupted` unless `bytes` decompress to exactly `length` bytes.
    static func decompress(_ bytes: ArraySlice<UInt8>, to length: Int, what: String)
        throws(TesseraError) -> [UInt8]
    {
        let declared = unsafe bytes.withUnsafeBytes {
            unsafe ZSTD_getFrameContentSize($0.baseAddress, $0.count)
        }
        guard declared == UInt64(length) else {
            throw TesseraError(.corrupted, "\(what) does not decompress to \(length) bytes")
        }
        var failure: String?
        let plain = unsafe [UInt8](unsafeUninitializedCapacity: length) { output, count in
            let written = unsafe bytes.withUnsafeBytes { input in
                unsafe ZSTD_decompress(output.baseAddress, length, input.baseAddress, input.count)
            }
            failure = errorName(written)
            count = failure == nil ? written : 0
        }
        guard failure == nil, plain.count == length else {
            throw TesseraError(
                .corrupted, "\(what) does not decompress: \(failure ?? "wrong length")")
        }
        return plain
    }

    private static func errorName(_ result: Int) -> String? {
        ZSTD_isError(result) != 0 ? unsafe String(cString: ZSTD_getErrorName(result)) : nil
    }
}
