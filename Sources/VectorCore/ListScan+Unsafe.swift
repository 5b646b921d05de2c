// Scanning one inverted list: the query's side of `tsr_list`, with its shapes checked.
import CVectorKernels

/// Codes of one inverted list in blocks of 32, and the query's terms for it.
///
/// distance = base + tableStep x (sum of table entries) + biasStep x bias byte.
package struct ListScan: Sendable {
    /// Vectors in a block.
    package static let blockSize = 32

    package let count: Int
    package let subquantizers: Int
    package let bitsPerCode: Int
    package let hasBias: Bool
    package let firstRow: Int
    package let base: Float
    package let tableStep: Float
    package let biasStep: Float

    package init(
        count: Int, subquantizers: Int, bitsPerCode: Int, hasBias: Bool, firstRow: Int,
        base: Float, tableStep: Float, biasStep: Float
    ) {
        self.count = count
        self.subquantizers = subquantizers
        self.bitsPerCode = bitsPerCode
        self.hasBias = hasBias
        self.firstRow = firstRow
        self.base = base
        self.tableStep = tableStep
        self.biasStep = biasStep
    }

    /// Bytes of one block of codes, with its bias bytes where it has them.
    package static func blockStride(subquantizers: Int, bitsPerCode: Int, hasBias: Bool) -> Int {
        blockSize * (subquantizers * bitsPerCode / 8 + (hasBias ? 1 : 0))
    }

    /// Blocks that hold `count` vectors.
    package static func blockCount(_ count: Int) -> Int {
        (count + blockSize - 1) / blockSize
    }

    /// Rows at most `threshold` away, in row order; returns how many were written to `rows` and `distances`, which
    /// have room for `count` each.
    ///
    /// - Parameters:
    ///   - blocks: `[blockCount][blockStride]` bytes.
    ///   - tables: 4 bits: `[subquantizers][16]` bytes whose sums fit 16 bits.
    package func scan(
        blocks: Span<UInt8>, byteTables: Span<UInt8>, threshold: Float,
        rows: inout MutableSpan<UInt32>, distances: inout MutableSpan<Float>
    ) -> Int {
        precondition(bitsPerCode == 4 && byteTables.count == subquantizers * 16, "tables: M x 16")
        return run(blocks, threshold, &rows, &distances) { list, rows, distances in
            byteTables.withUnsafeBufferPointer {
                tsr_scan_pq4(&list, $0.baseAddress, threshold, rows, distances)
            }
        }
    }

    /// The same for 8-bit codes, with `floatTables` `[subquantizers][256]`.
    package func scan(
        blocks: Span<UInt8>, floatTables: Span<Float>, threshold: Float,
        rows: inout MutableSpan<UInt32>, distances: inout MutableSpan<Float>
    ) -> Int {
        precondition(
            bitsPerCode == 8 && floatTables.count == subquantizers * 256, "tables: M x 256")
        return run(blocks, threshold, &rows, &distances) { list, rows, distances in
            floatTables.withUnsafeBufferPointer {
                tsr_scan_pq8(&list, $0.baseAddress, threshold, rows, distances)
            }
        }
    }

    private func run(
        _ blocks: Span<UInt8>, _ threshold: Float, _ rows: inout MutableSpan<UInt32>,
        _ distances: inout MutableSpan<Float>,
        _ kernel: (inout tsr_list, UnsafeMutablePointer<UInt32>, UnsafeMutablePointer<Float>) -> Int
    ) -> Int {
        let stride = ListScan.blockStride(
            subquantizers: subquantizers, bitsPerCode: bitsPerCode, hasBias: hasBias)
        precondition(
            blocks.count == ListScan.blockCount(count) * stride && rows.count >= count
                && distances.count >= count, "blocks and outputs must fit the list")
        guard count > 0 else { return 0 }
        return blocks.withUnsafeBufferPointer { blocks in
            var list = tsr_list(
                blocks: blocks.baseAddress, block_stride: stride, count: count,
                subquantizers: subquantizers, first_row: UInt32(firstRow),
                has_bias: hasBias ? 1 : 0, base: base, table_step: tableStep, bias_step: biasStep)
            return rows.withUnsafeMutableBufferPointer { rows in
                distances.withUnsafeMutableBufferPointer { distances in
                    kernel(&list, rows.baseAddress!, distances.baseAddress!)
                }
            }
        }
    }
}
