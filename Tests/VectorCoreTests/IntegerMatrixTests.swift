// Tests of IntegerMatrix.
import Foundation
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct IntegerMatrixTests {
    let folder: TemporaryFolder
    let truth = IntegerMatrix(rows: 2, columns: 3, elements: [5, 1, 2, 7, -1, 900_000_000])

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func `ground truth is read from .ivecs, .ibin with and without distances, and .npy`()
        throws
    {
        var ivecs = ByteWriter()
        for row in 0..<2 {
            ivecs.integer(Int32(3))
            for value in truth.row(row) { ivecs.integer(value) }
        }
        let first = try folder.write("t.ivecs", Data(ivecs.bytes))
        #expect(try IntegerMatrix.read(path: first) == truth)
        let second = folder.path("t.ibin")
        try VectorFileWriter.write(truth, to: second)
        #expect(try IntegerMatrix.read(path: second) == truth)
        let bytes = try Data(contentsOf: URL(filePath: second))
        let third = try folder.write("d.ibin", bytes + Data(count: 24))
        #expect(try IntegerMatrix.read(path: third) == truth)
        let fourth = try folder.write("t.npy", NumpyGolden.int32)
        #expect(try IntegerMatrix.read(path: fourth).elements == [1, -2, 3, 4, 5, 250])
    }

    @Test func `ground truth is no vectors, and vectors are no ground truth`() throws {
        let integers = folder.path("t.ibin")
        try VectorFileWriter.write(truth, to: integers)
        expectFailure(.invalidArgument, [integers, "ground truth"]) { () throws(TesseraError) in
            _ = try VectorFile.open(path: integers)
        }
        let floats = folder.path("t.fbin")
        try VectorFileWriter.write(Matrix(rows: 1, columns: 1), to: floats)
        expectFailure(.invalidArgument, [floats, "float32"]) { () throws(TesseraError) in
            _ = try IntegerMatrix.read(path: floats)
        }
    }
}
