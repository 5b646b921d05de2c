// Query sets: what is written is read, and damaged bytes are a typed error.
import ShardFile
import TesseraBase
import Testing
import VectorCore

struct QuerySetTests {
    private static let sets = [GoldenObject.querySetSampled, .querySetGiven]

    private func code(_ bytes: [UInt8]) -> ErrorCode? {
        do throws(TesseraError) { _ = try QuerySetFile.read(bytes, name: "set") } catch {
            return error.code
        }
        return nil
    }

    @Test(arguments: sets)
    func `what is written is read`(_ object: GoldenObject) throws {
        #expect(try QuerySetFile.read(object.written(), name: "set") == object.querySet)
    }

    @Test(arguments: sets)
    func `a flipped bit anywhere is found`(_ object: GoldenObject) throws {
        let whole = try object.written()
        for position in whole.indices {
            var bytes = whole
            bytes[position] ^= 1 << UInt8(position % 8)
            let found = code(bytes)
            #expect(found == .corrupted || found == .unsupported, "byte \(position)")
        }
    }

    @Test(arguments: sets)
    func `a set cut short anywhere is refused`(_ object: GoldenObject) throws {
        let whole = try object.written()
        for length in whole.indices {
            #expect(code(Array(whole[..<length])) == .corrupted, "\(length) bytes")
        }
    }
}
