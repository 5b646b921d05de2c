// The code layout that the scan kernels read: blocks of 32 vectors, subquantizer by subquantizer,
// bias bytes last.
import VectorCore

/// Converts between one code per byte and blocks of 32 vectors.
package enum CodePacking {
    /// Packs a list into `[blockCount][blockStride]` bytes; the last block is padded with zeros.
    package static func pack(_ list: EncodedList, shape: ProductQuantizerShape) -> [UInt8] {
        let hasBias = !list.bias.isEmpty
        let stride = ListScan.blockStride(
            subquantizers: shape.subquantizerCount, bitsPerCode: shape.bitsPerCode,
            hasBias: hasBias)
        let count = list.members.count
        var packed = [UInt8](repeating: 0, count: ListScan.blockCount(count) * stride)
        for vector in 0..<count {
            let block = vector / ListScan.blockSize * stride
            let lane = vector % ListScan.blockSize
            for subquantizer in 0..<shape.subquantizerCount {
                let code = list.codes[vector * shape.subquantizerCount + subquantizer]
                let (group, shift) = place(of: subquantizer, bitsPerCode: shape.bitsPerCode)
                packed[block + group * ListScan.blockSize + lane] |= code << shift
            }
            if hasBias {
                packed[block + shape.codeSize * ListScan.blockSize + lane] = list.bias[vector]
            }
        }
        return packed
    }

    /// The codes of `count` packed vectors, one per byte: `[count][subquantizerCount]`.
    ///
    /// - Precondition: `packed` holds exactly the whole blocks of `count` vectors.
    package static func unpack(
        _ packed: ArraySlice<UInt8>, count: Int, shape: ProductQuantizerShape, hasBias: Bool
    ) -> [UInt8] {
        let stride = ListScan.blockStride(
            subquantizers: shape.subquantizerCount, bitsPerCode: shape.bitsPerCode,
            hasBias: hasBias)
        precondition(packed.count == ListScan.blockCount(count) * stride, "whole blocks expected")
        let mask: UInt8 = shape.bitsPerCode == 4 ? 0x0F : 0xFF
        var codes: [UInt8] = []
        codes.reserveCapacity(count * shape.subquantizerCount)
        for vector in 0..<count {
            let block = packed.startIndex + vector / ListScan.blockSize * stride
            for subquantizer in 0..<shape.subquantizerCount {
                let (group, shift) = place(of: subquantizer, bitsPerCode: shape.bitsPerCode)
                let byte = packed[
                    block + group * ListScan.blockSize + vector % ListScan.blockSize]
                codes.append(byte >> shift & mask)
            }
        }
        return codes
    }

    /// The 32-byte group of a block that holds a subquantizer, and the bit offset in each of its
    /// bytes.
    private static func place(of subquantizer: Int, bitsPerCode: Int) -> (group: Int, shift: Int) {
        bitsPerCode == 4 ? (subquantizer / 2, subquantizer % 2 * 4) : (subquantizer, 0)
    }
}
