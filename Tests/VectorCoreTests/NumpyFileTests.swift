// Tests of NumpyFile.
import Foundation
import TesseraBase
import TestSupport
import Testing
import VectorCore

/// .npy files for tests that NumPy's golden ones do not cover.
enum NumpyFile {
    static func bytes(_ matrix: Matrix, type: String, as elementType: ElementType) -> Data {
        let halves = matrix.elements.map(HalfFloat.encode)
        precondition(elementType == .f16, "only halves are needed so far")
        var writer = ByteWriter()
        writer.append(
            header(
                "{'descr': '\(type)', 'fortran_order': False, "
                    + "'shape': (\(matrix.rows), \(matrix.columns)), }"))
        for half in halves { writer.integer(half) }
        return Data(writer.bytes)
    }

    static func header(_ text: String) -> [UInt8] {
        [0x93] + Array("NUMPY".utf8) + [
            1, 0, UInt8(text.utf8.count & 0xFF), UInt8(text.utf8.count >> 8),
        ]
            + Array(text.utf8)
    }
}

struct NumpyFileTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(
        arguments: [
            (NumpyGolden.float32, .f32, [1.5, -2, 3, 4, 5, 250]),
            (NumpyGolden.version2, .f32, [1.5, -2, 3, 4, 5, 250]),
            (NumpyGolden.version3, .f32, [1.5, -2, 3, 4, 5, 250]),
            (NumpyGolden.float16, .f16, [1.5, -2, 3, 4, 5, 250]),
            (NumpyGolden.uint8, .u8, [1, 2, 3, 4, 5, 250]),
            (NumpyGolden.int8, .i8, [1, -2, 3, 4, 5, -128]),
        ] as [(Data, ElementType, [Float])])
    func `arrays saved by NumPy are read, in all header versions and dtypes`(
        _ bytes: Data, _ elementType: ElementType, _ elements: [Float]
    ) throws {
        let file = try VectorFile.open(path: try folder.write("x.npy", bytes))
        #expect(file.elementType == elementType)
        #expect(try file.read(rows: 0..<2) == Matrix(rows: 2, columns: 3, elements: elements))
        #expect(try file.read(rows: [1]).elements == Array(elements[3...]))
    }

    @Test(arguments: [
        (NumpyGolden.fortran, "np.ascontiguousarray(x)"),
        (NumpyGolden.bigEndian, "'>f4'"), (NumpyGolden.bigEndian, "x.astype('<f4')"),
        (NumpyGolden.float64, "'<f8'"),
        (NumpyGolden.oneDimensional, "x.reshape(-1, dimension)"),
        (NumpyGolden.threeDimensional, "x.reshape(len(x), -1)"),
        (NumpyGolden.record, "x.astype('<f4')"), (NumpyGolden.noRows, "0 rows"),
        (NumpyGolden.int32, "ground truth"),
    ])
    func `other arrays are refused with the mend in NumPy`(_ bytes: Data, _ part: String) throws {
        let path = try folder.write("x.npy", bytes)
        expectFailure(.invalidArgument, [path, part]) { () throws(TesseraError) in
            _ = try VectorFile.open(path: path)
        }
    }

    @Test func `an array cut anywhere is refused`() throws {
        for length in 1..<NumpyGolden.float32.count {
            let path = try folder.write("x.npy", NumpyGolden.float32.prefix(length))
            expectFailure(.invalidArgument, [path]) { () throws(TesseraError) in
                _ = try VectorFile.open(path: path)
            }
        }
    }

    @Test(arguments: [
        "", "{", "{}", "{'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), 'more': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 99999999999999999999)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
        "{'descr': ['<f4', 'fortran_order",
    ])
    func `headers that are not NumPy's dictionary are refused`(_ text: String) throws {
        let path = try folder.write("x.npy", Data(NumpyFile.header(text) + [0, 0, 0, 0]))
        expectFailure(.invalidArgument, [path]) { () throws(TesseraError) in
            _ = try VectorFile.open(path: path)
        }
    }
}
