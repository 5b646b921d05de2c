// Scanning one inverted list: its shape, and the scans of `vector_kernels.h`.
import CVectorKernels

/// Codes of one inverted list in blocks of 32, and the query's terms for it.
///
/// distance = base + tableStep x (sum of table entries) + biasStep x bias byte.
package struct ListScan: BitwiseCopyable, @unchecked Sendable {
    /// Vectors in a block.
    package static let blockSize = 32
    /// The largest step of a quantized table.
    package static let tableSteps = 4095

    /// `[blockCount][blockStride]` bytes.
    package var blocks: UnsafePointer<UInt8>
    /// Memory that is scanned next, to be prefetched.
    package var next: UnsafePointer<UInt8>?
    package var count: Int
    package var subquantizers: Int
    package var bitsPerCode: Int
    package var hasBias: Bool
    package var firstRow: UInt32
    package var base: Float
    package var tableStep: Float
    package var biasStep: Float
    private let stride: Int

    package init(
        blocks: UnsafePointer<UInt8>, next: UnsafePointer<UInt8>?, count: Int, subquantizers: Int,
        bitsPerCode: Int, hasBias: Bool, firstRow: UInt32, base: Float, tableStep: Float,
        biasStep: Float
    ) {
        self.blocks = blocks
        self.next = next
        self.count = count
        self.subquantizers = subquantizers
        self.bitsPerCode = bitsPerCode
        self.hasBias = hasBias
        self.firstRow = firstRow
        self.base = base
        self.tableStep = tableStep
        self.biasStep = biasStep
        stride = Self.blockStride(
            subquantizers: subquantizers, bitsPerCode: bitsPerCode, hasBias: hasBias)
    }

    /// Bytes of one block of codes, with its bias bytes where it has them.
    package static func blockStride(subquantizers: Int, bitsPerCode: Int, hasBias: Bool) -> Int {
        blockSize * (subquantizers * bitsPerCode / 8 + (hasBias ? 1 : 0))
    }

    /// Number of blocks for `count` vectors.
    package static func blockCount(_ count: Int) -> Int {
        (count + blockSize - 1) / blockSize
    }

    /// Finds the rows at most `threshold` away, in row order; returns their number.
    ///
    /// - Parameter tables: 4 bits: `[subquantizers][16]` bytes whose sums fit 16 bits.
    package func scan(
        byteTables tables: UnsafePointer<UInt8>, threshold: Float, _ output: ScanOutput
    ) -> Int {
        var list = plain
        return tsr_scan_pq4(&list, tables, threshold, output.rows, output.distances)
    }

    /// The same for 8-bit codes, with `[subquantizers][256]` floats.
    package func scan(
        floatTables tables: UnsafePointer<Float>, threshold: Float, _ output: ScanOutput
    ) -> Int {
        var list = plain
        return tsr_scan_pq8(&list, tables, threshold, output.rows, output.distances)
    }

    /// 4-bit codes summed in bytes: rows whose sum is within the limit.
    ///
    /// - Parameters:
    ///   - tables: `[subquantizers][16]` steps of a quantized table.
    ///   - scratch: room for `32 * subquantizers + 64` bytes.
    package func scanNarrow(
        tables: UnsafePointer<Int16>, _ steps: NarrowSteps, scratch: UnsafeMutablePointer<UInt8>,
        _ output: ScanOutput
    ) -> Int {
        var list = plain
        return tsr_scan_pq4_narrow(
            &list, tables, steps.factor, steps.biasFactor, steps.limit, scratch, output.rows,
            output.distances)
    }

    private var plain: tsr_list {
        tsr_list(
            blocks: blocks, next_blocks: next,
            block_stride: stride, count: count, subquantizers: subquantizers, first_row: firstRow,
            has_bias: hasBias ? 1 : 0, base: base, table_step: tableStep, bias_step: biasStep)
    }
}
