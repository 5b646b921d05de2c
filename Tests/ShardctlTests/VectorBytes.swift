// Vector files of every format, written byte by byte and not by the code under test.
import Foundation
import TestSupport
import VectorCore

/// A format that train and query read.
enum InputFormat: String, CaseIterable {
    case fvecs, bvecs, fbin, u8bin, i8bin
    case npyFloat, npyHalf, npyUnsigned, npySigned

    var suffix: String { rawValue.hasPrefix("npy") ? "npy" : rawValue }

    /// The bytes of the file; values are spread over the range of whole numbers.
    func bytes(_ matrix: Matrix) -> Data {
        var data = Data()
        switch self {
        case .fbin, .u8bin, .i8bin:
            data.append(number: UInt32(matrix.rows))
            data.append(number: UInt32(matrix.columns))
        case .npyFloat: data += numpyHeader("<f4", matrix)
        case .npyHalf: data += numpyHeader("<f2", matrix)
        case .npyUnsigned: data += numpyHeader("|u1", matrix)
        case .npySigned: data += numpyHeader("|i1", matrix)
        case .fvecs, .bvecs: break
        }
        for row in 0..<matrix.rows {
            if self == .fvecs || self == .bvecs { data.append(number: Int32(matrix.columns)) }
            for value in matrix.row(row) { append(value, to: &data) }
        }
        return data
    }

    private func append(_ value: Float, to data: inout Data) {
        switch self {
        case .fvecs, .fbin, .npyFloat: data.append(number: value.bitPattern)
        case .npyHalf: data.append(number: HalfFloat.encode(value))
        case .bvecs, .u8bin, .npyUnsigned: data.append(number: UInt8((value + 2) * 60))
        case .i8bin, .npySigned: data.append(number: Int8(value * 60))
        }
    }

    private func numpyHeader(_ type: String, _ matrix: Matrix) -> Data {
        var text = "{'descr': '\(type)', 'fortran_order': False, "
        text += "'shape': (\(matrix.rows), \(matrix.columns)), }"
        text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
        var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
        data.append(number: UInt16(text.utf8.count))
        return data + Data(text.utf8)
    }
}

extension Data {
    mutating func append(number: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) }
    }
}

extension Matrix {
    /// Vectors around 8 centres, from -1.6 to 1.6.
    static func sample(rows: Int, columns: Int = 16, seed: UInt64 = 1) -> Matrix {
        RandomVectors.clustered(rows: rows, columns: columns, clusters: 8, seed: seed)
    }

    /// The matrix with all values of one row, or only one component, replaced.
    func with(row: Int, column: Int? = nil, value: Float) -> Matrix {
        var changed = elements
        for place in column.map({ $0..<$0 + 1 }) ?? 0..<columns {
            changed[row * columns + place] = value
        }
        return Matrix(rows: rows, columns: columns, elements: changed)
    }
}

extension Matrix {
    func firstRows(_ count: Int) -> Matrix {
        Matrix(rows: count, columns: columns, elements: Array(elements.prefix(count * columns)))
    }
}
