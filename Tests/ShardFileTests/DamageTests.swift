// Damaged bytes give a typed error, never a wrong answer.
import ShardFile
import TesseraBase
import Testing
import VectorCore
import VectorIndex

struct DamageTests {
    private func code(_ body: () throws(TesseraError) -> Void) -> ErrorCode? {
        do throws(TesseraError) { try body() } catch { return error.code }
        return nil
    }

    @Test func `a flipped bit anywhere in a shard is found by verify`() throws {
        let image = try ShardFixture.image()
        for position in image.bytes.indices {
            var bytes = image.bytes
            bytes[position] ^= 1 << UInt8(position % 8)
            let found = code { () throws(TesseraError) in
                _ = try ShardHead.verify(bytes, name: "fixture")
            }
            #expect(found == .corrupted || found == .unsupported, "byte \(position)")
        }
    }

    @Test func `a flipped bit in the tail is found on opening`() throws {
        let tail = try ShardFixture.image().tail
        for position in tail.indices {
            var bytes = tail
            bytes[position] ^= 0x10
            let found = code { () throws(TesseraError) in
                _ = try ShardHead(tail: bytes, name: "fixture")
            }
            #expect(found == .corrupted || found == .unsupported, "byte \(position)")
        }
    }

    @Test func `a shard cut short anywhere is refused, from either end`() throws {
        let image = try ShardFixture.image()
        for length in 0..<image.bytes.count {
            #expect(
                code { () throws(TesseraError) in
                    _ = try ShardHead.verify(Array(image.bytes[..<length]), name: "fixture")
                } == .corrupted, "\(length) bytes")
        }
        for start in 1..<image.tail.count {
            #expect(
                code { () throws(TesseraError) in
                    _ = try ShardHead(tail: Array(image.tail[start...]), name: "fixture")
                } == .corrupted, "without \(start) bytes")
        }
    }

    @Test func `a flipped bit in a list, row, id block or bucket is found where it is read`() throws
    {
        let image = try ShardFixture.image()
        let head = try ShardHead(tail: image.tail, name: "fixture")
        var codes = Array(
            image.bytes[Int(head.lists[2].codes.lowerBound)..<Int(head.lists[2].codes.upperBound)])
        try head.check(codes: codes[...], of: 2)
        codes[7] ^= 1
        #expect(
            code { () throws(TesseraError) in try head.check(codes: codes[...], of: 2) }
                == .corrupted)
        let range = try #require(head.refineRange(row: 71))
        var row = Array(image.bytes[Int(range.lowerBound)..<Int(range.upperBound)])
        row[0] ^= 1
        #expect(
            code { () throws(TesseraError) in _ = try head.refineRow(row[...], row: 71) }
                == .corrupted)
        let place = head.idPlace(row: 71)
        let block = Array(image.bytes[Int(place.range.lowerBound)..<Int(place.range.upperBound)])
        for position in block.indices {
            var damaged = block
            damaged[position] ^= 4
            #expect(
                code { () throws(TesseraError) in _ = try head.ids(damaged, at: place) }
                    == .corrupted)
        }
    }

    @Test func `an object of another kind is refused by name`() throws {
        let router = try RouterFile.write(
            Router(
                centroids: Matrix(rows: 1, columns: 1, elements: [0]),
                transform: .padding(from: 1, to: 2)))
        do throws(TesseraError) {
            _ = try ShardHead.verify(router.bytes, name: "shards/abc.tsr")
            Issue.record("a router was taken for a shard")
        } catch {
            #expect(error.message == "shards/abc.tsr is a router, not a shard")
        }
    }

    @Test func `random bytes never trap`() throws {
        let image = try ShardFixture.image()
        var random = SeededRandom(seed: 77)
        for _ in 0..<3000 {
            var bytes = image.tail
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            _ = code { () throws(TesseraError) in _ = try ShardHead(tail: bytes, name: "fuzz") }
        }
    }

    @Test
    func `sizes that multiply to more than 64 bits are refused, checksums in order as they may be`()
        throws
    {
        var image = try ShardFixture.image().bytes
        let container = try ContainerReader.verify(image, kind: .shard, name: "fixture")
        let parameters = try container.section(.parameters)
        #expect(parameters.codec == .stored)
        let start = Int(parameters.range.lowerBound)
        for byte in start + 4..<start + 12 { image[byte] = 0xFF }
        mend(&image, container, parameters)
        #expect(
            code { () throws(TesseraError) in
                _ = try ShardHead(tail: Array(image[Int(start)...]), name: "fixture")
            } == .corrupted)
    }

    /// Puts the checksums of `section` and the footer right.
    private func mend(_ image: inout [UInt8], _ container: ContainerReader, _ section: Section) {
        let table = image.count - 40 - 40 * container.sections.count
        let entry = table + 40 * (container.sections.firstIndex(of: section) ?? 0)
        let content = image[Int(section.range.lowerBound)..<Int(section.range.upperBound)]
        store(Kernels.crc32c(content), at: entry + 32, in: &image)
        store(Kernels.crc32c(image[table..<image.count - 12]), at: image.count - 12, in: &image)
    }

    private func store(_ value: UInt32, at place: Int, in image: inout [UInt8]) {
        for byte in 0..<4 { image[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte)) }
    }
}
