// The C kernels with Swift types: the one place that imports them. Shapes are checked here, once a
// call, so that no kernel ever reads past what it was given.
import CVectorKernels

/// Distances and checksums over contiguous memory, dispatched to the best instruction set at start;
/// those of the query path are in ``SearchKernels``.
///
/// Every instruction set returns the same bits: see `vector_kernels.h` for the order of the sums.
package enum Kernels {
    /// The instruction sets of this machine, the best first: some of `avx512`, `avx2`, `dotprod`
    /// and `neon`; `scalar` is always the last.
    package static var instructionSets: [String] {
        Array(
            sequence(state: 0) { place in
                defer { place += 1 }
                return tsr_isa_at(place).map { String(cString: $0) }
            })
    }

    /// The instruction set in use: the best, or the one that the environment variable `TESSERA_ISA`
    /// names.
    package static var instructionSet: String { String(cString: tsr_isa_name()) }

    /// Uses the named instruction set from here on; false where the machine lacks it. For tests
    /// alone: not synchronised with kernels under way.
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
}
