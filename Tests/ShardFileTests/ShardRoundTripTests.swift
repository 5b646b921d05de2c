// What is written is read back.
import ShardFile
import Testing
import VectorCore
import VectorIndex

struct ShardRoundTripTests {
    @Test(
        arguments: Metric.allCases,
        [RefineEncoding.sq8, .sq16, .f16, .none])
    func `what was written is read back`(metric: Metric, refine: RefineEncoding) throws {
        let contents = ShardFixture.contents(metric: metric, refine: refine)
        let image = try ShardFixture.image(contents)
        let head = try ShardHead(tail: image.tail, name: "fixture")
        #expect(head.model == contents.encoded.model)
        #expect(head.refine == contents.refine)
        #expect(head.metric == metric)
        #expect(head.vectorCount == 100)
        #expect(head.dimension == 6)
        #expect(head.size == UInt64(image.bytes.count))
        #expect(head.lists.map(\.count) == [70, 0, 30])
        #expect(head.lists.map(\.firstRow) == [0, 70, 70])
        for row in 0..<100 {
            try expectRow(row, head: head, image: image, contents: contents)
        }
    }

    private func expectRow(
        _ row: Int, head: ShardHead, image: ContainerImage, contents: ShardContents
    ) throws {
        let place = head.idPlace(row: row)
        let block = Array(image.bytes[Int(place.range.lowerBound)..<Int(place.range.upperBound)])
        let ids = try head.ids(block, at: place)
        #expect(ids[place.index] == "photos/2026/\(row)-ä.jpg")
        guard let range = head.refineRange(row: row) else {
            #expect(contents.refine.encoding == .none)
            return
        }
        let bytes = image.bytes[Int(range.lowerBound)..<Int(range.upperBound)]
        let stored = try head.refineRow(bytes, row: row)
        #expect(Array(stored) == contents.refine.encode(contents.vectors.row(row)))
    }

    @Test(arguments: [4, 8])
    func `codes unpack to what was packed`(bits: Int) throws {
        let contents = ShardFixture.contents(bits: bits)
        let image = try ShardFixture.image(contents)
        let head = try ShardHead.verify(image.bytes, name: "fixture")
        for (list, entry) in head.lists.enumerated() {
            let packed = image.bytes[Int(entry.codes.lowerBound)..<Int(entry.codes.upperBound)]
            let codes = CodePacking.unpack(
                packed, count: entry.count, shape: head.model.shape, hasBias: true)
            #expect(codes == contents.encoded.lists[list].codes)
        }
    }

    @Test func `the same contents give the same bytes`() throws {
        #expect(try ShardFixture.image() == ShardFixture.image())
    }

    @Test func `a router is read back, padded or rotated`() throws {
        let centroids = Matrix(rows: 2, columns: 3, elements: [1, 2, 3, 4, 5, 6])
        let rotation = Matrix(rows: 4, columns: 3, elements: (0..<12).map { Float($0) })
        for transform in [InputTransform.padding(from: 3, to: 4), .rotation(rotation)] {
            let router = Router(centroids: centroids, transform: transform)
            let image = try RouterFile.write(router)
            #expect(try RouterFile.read(image.bytes, name: "router") == router)
        }
    }

    @Test(arguments: [1, 2000])
    func `an id table finds each place by one range`(count: Int) throws {
        let entries = (0..<count).map { row in
            IDTableEntry(
                hash: UInt64(row) &* 0x9E37_79B9_7F4A_7C15, id: NumericID(shard: row % 7, row: row))
        }.sorted { ($0.hash, $0.id) < ($1.hash, $1.id) }
        let image = try IDTable.write(entries, hashes: 0...UInt64.max)
        let table = try IDTable(tail: image.tail, name: "ids")
        for entry in entries {
            let range = table.range(of: entry.hash)
            let bucket = Array(image.bytes[Int(range.lowerBound)..<Int(range.upperBound)])
            #expect(try table.places(of: entry.hash, in: bucket) == [entry.id])
            #expect(try table.places(of: entry.hash &+ 1, in: bucket).isEmpty)
        }
    }

    @Test func `colliding hashes give every place`() throws {
        let ids = [NumericID(shard: 0, row: 1), NumericID(shard: 3, row: 0)]
        let image = try IDTable.write(
            ids.map { IDTableEntry(hash: 5, id: $0) }, hashes: 0...UInt64.max)
        let table = try IDTable(tail: image.tail, name: "ids")
        let range = table.range(of: 5)
        let bucket = Array(image.bytes[Int(range.lowerBound)..<Int(range.upperBound)])
        #expect(try table.places(of: 5, in: bucket) == ids)
    }
}
