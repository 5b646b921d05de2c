// Tests of VectorFile.
import Foundation
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct VectorFileTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: FileFixture.all)
    func `every format gives its rows back: all, a range, a gather and raw`(_ fixture: FileFixture)
        throws
    {
        let matrix = fixture.matrix(rows: 50, columns: 13)
        let path = try folder.write("x.\(fixture.suffix)", try fixture.bytes(matrix))
        let file = try VectorFile.open(path: path)
        #expect(file.rows == 50 && file.dimension == 13 && file.elementType == fixture.elementType)
        #expect(try file.read(rows: 0..<50) == matrix)
        #expect(try file.read(rows: 7..<9) == matrix.gathering([7, 8]))
        #expect(try file.read(rows: 50..<50).rows == 0)
        #expect(try file.read(rows: [0, 3, 49]) == matrix.gathering([0, 3, 49]))
        let raw = try file.rawRows(3..<5)
        #expect(raw.count == 2 * file.rowBytes)
        let decoded = VectorFile.decode(
            raw: raw, elementType: file.elementType, dimension: file.dimension)
        #expect(decoded == matrix.gathering([3, 4]))
    }

    @Test(arguments: FileFixture.all.filter { !$0.hasRowHeaders })
    func `the writer's files are read back`(_ fixture: FileFixture) throws {
        let matrix = fixture.matrix(rows: 20, columns: 5)
        let path = folder.path("y.\(fixture.suffix)")
        try VectorFileWriter.write(matrix, to: path)
        #expect(try Data(contentsOf: URL(filePath: path)) == fixture.bytes(matrix))
        #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
    }

    @Test func `the writer refuses what a type cannot hold, and leaves nothing behind`() throws {
        let path = folder.path("y.u8bin")
        let matrix = Matrix(rows: 1, columns: 2, elements: [3, 256])
        expectFailure(.invalidArgument, [path, "from row 0"]) { () throws(TesseraError) in
            try VectorFileWriter.write(matrix, to: path)
        }
        expectFailure(.invalidArgument, ["read but not written"]) { () throws(TesseraError) in
            try VectorFileWriter.write(matrix, to: folder.path("y.fvecs"))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }

    @Test(arguments: FileFixture.all)
    func `a file cut anywhere, or with a byte too many, is refused when opened`(
        _ fixture: FileFixture
    ) throws {
        let whole = try fixture.bytes(fixture.matrix(rows: 3, columns: 5))
        let rowLength = 5 * fixture.elementType.size + 4
        for length in 1...whole.count + 1 where length != whole.count {
            // A .fvecs cut between two rows cannot be told from a shorter one.
            if fixture.hasRowHeaders && length.isMultiple(of: rowLength) { continue }
            let path = try folder.write(
                "cut.\(fixture.suffix)", (whole + [0]).prefix(length))
            expectFailure(.invalidArgument, [path, "\(length)"]) { () throws(TesseraError) in
                _ = try VectorFile.open(path: path)
            }
        }
    }

    @Test func `a mislabelled file is refused with a guess of what it is`() throws {
        let floats = FileFixture.all[2].matrix(rows: 100, columns: 784)
        let path = try folder.write("x.u8bin", try FileFixture.all[2].bytes(floats))
        expectFailure(
            .invalidArgument,
            [
                "a .u8bin of 100 x 784 uint8 needs 78408 bytes, the file has 313608",
                "is it a .fbin?",
            ]
        ) { () throws(TesseraError) in _ = try VectorFile.open(path: path) }
    }

    @Test(arguments: FileFixture.all)
    func `every format under another's name is recognised`(_ fixture: FileFixture) throws {
        let bytes = try fixture.bytes(fixture.matrix(rows: 9, columns: 20))
        for other in FileFixture.all
        where other.suffix != fixture.suffix
            && !(other.suffix.hasSuffix("8bin") && fixture.suffix.hasSuffix("8bin"))
        {
            let path = try folder.write("z.\(other.suffix)", bytes)
            expectFailure(.invalidArgument, ["is it a", ".\(fixture.suffix)"]) {
                () throws(TesseraError) in _ = try VectorFile.open(path: path)
            }
        }
    }

    @Test(
        arguments: [
            ("zero.fbin", [0, 4], "0 rows"), ("flat.fbin", [4, 0], "dimension of 0"),
            ("wide.fbin", [1, 65_537], "dimension of 65537"),
            ("huge.fbin", [.max, 65_536], "needs"),
            ("zero.fvecs", [0, 1], "dimension is 0"),
            ("minus.fvecs", [.max, 1], "dimension is -1"),
        ] as [(String, [UInt32], String)])
    func `headers that promise nonsense are refused`(
        _ name: String, _ words: [UInt32], _ message: String
    ) throws {
        var writer = ByteWriter()
        for word in words { writer.integer(word) }
        let path = try folder.write(name, Data(writer.bytes))
        expectFailure(.invalidArgument, [path, message]) { () throws(TesseraError) in
            _ = try VectorFile.open(path: path)
        }
    }

    @Test func `a row whose own header differs is named when it is read`() throws {
        var bytes = try FileFixture.all[0].bytes(FileFixture.all[0].matrix(rows: 30, columns: 4))
        bytes[17 * 20] = 5
        let file = try VectorFile.open(path: try folder.write("x.fvecs", bytes))
        #expect(try file.read(rows: 0..<17).rows == 17)
        expectFailure(.invalidArgument, ["row 17 says its dimension is 5, row 0 says 4"]) {
            () throws(TesseraError) in _ = try file.read(rows: 10..<30)
        }
        expectFailure(.invalidArgument, ["row 17"]) { () throws(TesseraError) in
            _ = try file.read(rows: [3, 17])
        }
    }

    @Test(arguments: [Float.nan, .infinity, -.infinity], ["fbin", "fvecs", "npy"])
    func `NaN and infinities are named with row and column`(_ value: Float, _ suffix: String) throws
    {
        var matrix = FileFixture.all[2].matrix(rows: 40, columns: 6)
        matrix.elements[17 * 6 + 2] = value
        let bytes =
            switch suffix {
            case "npy": NumpyFile.bytes(matrix, type: "<f2", as: .f16)
            case "fvecs": try FileFixture.all[0].bytes(matrix)
            default: try FileFixture.all[2].bytes(matrix)
            }
        let file = try VectorFile.open(path: try folder.write("n.\(suffix)", bytes))
        let parts = [file.path, "row 17, column 2 is \(value)"]
        expectFailure(.invalidArgument, parts) { () throws(TesseraError) in
            _ = try file.read(rows: 10..<20)
        }
        expectFailure(.invalidArgument, parts) { () throws(TesseraError) in
            _ = try file.read(rows: [1, 17, 30])
        }
        #expect(try file.read(rows: 18..<40).rows == 22)
    }

    @Test func `paths that are no vector files say so`() throws {
        expectFailure(.notFound, ["none.fbin"]) { () throws(TesseraError) in
            _ = try VectorFile.open(path: folder.path("none.fbin"))
        }
        expectFailure(.invalidArgument, [".fvecs", ".npy", "x.parquet"]) {
            () throws(TesseraError) in
            _ = try VectorFile.open(path: folder.path("x.parquet"))
        }
        try FileManager.default.createDirectory(
            atPath: folder.path("d.fbin"), withIntermediateDirectories: true)
        expectFailure(.invalidArgument, ["folder"]) { () throws(TesseraError) in
            _ = try VectorFile.open(path: folder.path("d.fbin"))
        }
        let empty = try folder.write("e.fbin", Data())
        expectFailure(.invalidArgument, ["is empty"]) { () throws(TesseraError) in
            _ = try VectorFile.open(path: empty)
        }
    }

    @Test func `a file cut while it is open fails the read, not the process`() throws {
        let fixture = FileFixture.all[2]
        let path = try folder.write(
            "x.fbin", try fixture.bytes(fixture.matrix(rows: 2000, columns: 8)))
        let file = try VectorFile.open(path: path)
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.truncate(atOffset: 100)
        expectFailure(.unavailable, [path]) { () throws(TesseraError) in
            _ = try file.read(rows: 1000..<2000)
        }
    }

    @Test func `rows come to unit length, whatever their size, and rows of zeros are named`() throws
    {
        var matrix = Matrix(
            rows: 3, columns: 5,
            elements: [3, 4, 0, 0, 0] + [1e30, 0, 0, 0, -1e30]
                + [1e-35, 0, 0, 0, 0])
        try normalise(&matrix, firstRow: 0, file: "x.fbin")
        #expect(Array(matrix.row(0)) == [0.6, 0.8, 0, 0, 0])
        #expect(matrix.row(1).first == Float(0.5.squareRoot()))
        #expect(matrix.row(2).first == 1)
        var zeros = Matrix(rows: 2, columns: 2, elements: [1, 0, 0, 0])
        let error = failure { () throws(TesseraError) in
            try normalise(&zeros, firstRow: 16, file: "x.fbin")
        }
        #expect(error.message.contains("x.fbin: row 17 is all zeros"))
    }
}
