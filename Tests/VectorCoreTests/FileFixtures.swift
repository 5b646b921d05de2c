// Vector files written byte by byte, so that readers are not tested by their own writer.
import Foundation
import TesseraBase
import TestSupport
import Testing
import VectorCore

/// A small vector file of any kind.
struct FileFixture: Sendable, CustomTestStringConvertible {
    static let all = [
        FileFixture(suffix: "fvecs", elementType: .f32, hasRowHeaders: true),
        FileFixture(suffix: "bvecs", elementType: .u8, hasRowHeaders: true),
        FileFixture(suffix: "fbin", elementType: .f32, hasRowHeaders: false),
        FileFixture(suffix: "u8bin", elementType: .u8, hasRowHeaders: false),
        FileFixture(suffix: "i8bin", elementType: .i8, hasRowHeaders: false),
    ]

    let suffix: String
    let elementType: ElementType
    let hasRowHeaders: Bool

    var testDescription: String { ".\(suffix)" }

    /// Small whole numbers that every type holds.
    func matrix(rows: Int, columns: Int) -> Matrix {
        let lowest = elementType == .u8 ? 0 : -100
        return Matrix(
            rows: rows, columns: columns,
            elements: (0..<rows * columns).map { Float($0 * 7 % 120 + lowest) })
    }

    func bytes(_ matrix: Matrix) throws -> Data {
        var writer = ByteWriter()
        if !hasRowHeaders {
            writer.integer(UInt32(matrix.rows))
            writer.integer(UInt32(matrix.columns))
        }
        for row in 0..<matrix.rows {
            if hasRowHeaders { writer.integer(Int32(matrix.columns)) }
            writer.append(try ElementConversion.encode(Array(matrix.row(row)), as: elementType))
        }
        return Data(writer.bytes)
    }
}

/// The error of `body`, which must throw one.
func failure(
    _ body: () throws(TesseraError) -> Void, sourceLocation: SourceLocation = #_sourceLocation
) -> TesseraError {
    do throws(TesseraError) {
        try body()
    } catch {
        return error
    }
    Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    return TesseraError(.unsupported, "")
}

/// Expects an error of `code` whose message holds all of `parts`.
func expectFailure(
    _ code: ErrorCode, _ parts: [String], sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws(TesseraError) -> Void
) {
    let error = failure(body, sourceLocation: sourceLocation)
    #expect(error.code == code, "\(error)", sourceLocation: sourceLocation)
    for part in parts {
        #expect(error.message.contains(part), "\(error)", sourceLocation: sourceLocation)
    }
}
