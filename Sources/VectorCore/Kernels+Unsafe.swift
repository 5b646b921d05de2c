// The C kernels with Swift types: the one place that imports them. Shapes are checked here, once a call, so that no
// kernel ever reads past what it was given.
import CVectorKernels

/// Distances and look-ups over contiguous memory, dispatched to the best instruction set at start.
///
/// Every instruction set returns the same bits: see `vector_kernels.h` for the order of the sums.
package enum Kernels {
    /// `avx512`, `avx2` or `scalar`. The environment variable `TESSERA_ISA` asks for a lower one.
    package static var instructionSet: String { String(cString: tsr_isa_name()) }

    /// Uses the named instruction set from here on; false where the machine lacks it. For tests alone: not
    /// synchronised with kernels under way.
    package static func force(instructionSet: String) -> Bool {
        tsr_isa_force(instructionSet) != 0
    }

    /// Squared Euclidean distance of two vectors of equal length.
    package static func squaredDistance(_ a: Span<Float>, _ b: Span<Float>) -> Float {
        pairwise(a, b, tsr_l2_f32)
    }

    /// Inner product of two vectors of equal length.
    package static func dot(_ a: Span<Float>, _ b: Span<Float>) -> Float {
        pairwise(a, b, tsr_dot_f32)
    }

    /// Inner products of `query` (`[n]`) with rows of signed bytes (`[count][n]`), written to `output` (`[count]`).
    package static func dots(
        _ query: Span<Float>, rows: Span<Int8>, into output: inout MutableSpan<Float>
    ) {
        let width = query.count
        precondition(rows.count == width * output.count, "rows must be count x width")
        query.withUnsafeBufferPointer { query in
            rows.withUnsafeBufferPointer { rows in
                for index in output.indices {
                    output[index] = tsr_dot_f32_i8(
                        query.baseAddress!, rows.baseAddress! + index * width, width)
                }
            }
        }
    }

    /// Squared distance to an 8-bit row: `shifted` is the query less the quantizer's minimum, `step` its step.
    package static func squaredDistanceSQ8(
        shifted: Span<Float>, step: Span<Float>, row: Span<UInt8>
    ) -> Float {
        precondition(shifted.count == step.count && step.count == row.count, "lengths must agree")
        return shifted.withUnsafeBufferPointer { shifted in
            step.withUnsafeBufferPointer { step in
                row.withUnsafeBufferPointer { row in
                    tsr_l2_sq8(
                        shifted.baseAddress!, step.baseAddress!, row.baseAddress!, row.count)
                }
            }
        }
    }

    /// Inner product with an 8-bit row: `scaled` is the query times the quantizer's step.
    package static func dotSQ8(scaled: Span<Float>, row: Span<UInt8>) -> Float {
        precondition(scaled.count == row.count, "lengths must agree")
        return bytewise(scaled, row, tsr_dot_sq8)
    }

    /// Squared distance to a 16-bit row in two planes of bytes.
    package static func squaredDistanceSQ16(
        shifted: Span<Float>, step: Span<Float>, high: Span<UInt8>, low: Span<UInt8>
    ) -> Float {
        let count = shifted.count
        precondition(
            step.count == count && high.count == count && low.count == count, "lengths must agree")
        return step.withUnsafeBufferPointer { step in
            low.withUnsafeBufferPointer { low in
                bytewise(shifted, high) {
                    tsr_l2_sq16($0, step.baseAddress!, $1, low.baseAddress!, $2)
                }
            }
        }
    }

    /// Inner product with a 16-bit row in two planes of bytes.
    package static func dotSQ16(scaled: Span<Float>, high: Span<UInt8>, low: Span<UInt8>) -> Float {
        precondition(
            scaled.count == high.count && high.count == low.count, "lengths must agree")
        return low.withUnsafeBufferPointer { low in
            bytewise(scaled, high) { tsr_dot_sq16($0, $1, low.baseAddress!, $2) }
        }
    }

    /// Squared distance to a row of little-endian half floats, two bytes each.
    package static func squaredDistanceF16(_ query: Span<Float>, row: Span<UInt8>) -> Float {
        precondition(query.count * 2 == row.count, "a half takes two bytes")
        return bytewise(query, row, tsr_l2_f16)
    }

    /// Inner product with a row of little-endian half floats, two bytes each.
    package static func dotF16(_ query: Span<Float>, row: Span<UInt8>) -> Float {
        precondition(query.count * 2 == row.count, "a half takes two bytes")
        return bytewise(query, row, tsr_dot_f16)
    }

    /// Inner products of `query` (`[M * dsub]`) with every codebook entry: `[M][ksub]`.
    ///
    /// - Parameter codebooks: transposed to `[M][dsub][ksub]`; ksub is a multiple of 16.
    package static func tables(
        query: Span<Float>, codebooks: Span<Float>, subquantizers: Int, centroids: Int,
        into output: inout MutableSpan<Float>
    ) {
        let subdimension = query.count / subquantizers
        precondition(
            centroids.isMultiple(of: 16) && query.count == subquantizers * subdimension
                && codebooks.count == query.count * centroids
                && output.count == subquantizers * centroids, "tables must be M x ksub")
        query.withUnsafeBufferPointer { query in
            codebooks.withUnsafeBufferPointer { codebooks in
                output.withUnsafeMutableBufferPointer { output in
                    tsr_pq_tables(
                        query.baseAddress!, codebooks.baseAddress!, subquantizers, subdimension,
                        centroids, output.baseAddress!)
                }
            }
        }
    }

    /// CRC-32C (Castagnoli) of `bytes`.
    package static func crc32c(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBufferPointer { tsr_crc32c(0, $0.baseAddress, $0.count) }
    }

    /// CRC-32C (Castagnoli) of `bytes`.
    package static func crc32c(_ bytes: [UInt8]) -> UInt32 {
        crc32c(bytes[...])
    }

    private static func pairwise(
        _ a: Span<Float>, _ b: Span<Float>,
        _ kernel: (UnsafePointer<Float>, UnsafePointer<Float>, Int) -> Float
    ) -> Float {
        precondition(a.count == b.count, "vectors must have one length")
        guard !a.isEmpty else { return 0 }
        return a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in kernel(a.baseAddress!, b.baseAddress!, a.count) }
        }
    }

    private static func bytewise(
        _ query: Span<Float>, _ row: Span<UInt8>,
        _ kernel: (UnsafePointer<Float>, UnsafePointer<UInt8>, Int) -> Float
    ) -> Float {
        query.withUnsafeBufferPointer { query in
            row.withUnsafeBufferPointer { row in
                kernel(query.baseAddress!, row.baseAddress!, query.count)
            }
        }
    }
}
