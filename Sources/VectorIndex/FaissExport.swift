// Writes an index as a file that `faiss.read_index` opens, from Faiss 1.7.3 on.
// The layout follows Faiss's impl/index_write.cpp: a four-letter tag, then the fields of the class,
// little-endian. A vector is its length (64 bits) and its elements. Only classes whose layout has
// never changed are used.
package import TesseraBase
import VectorCore

/// Writes IVF-PQ indexes in Faiss's format.
package enum FaissIndexWriter {
    private enum FaissMetric: Int32 {
        case innerProduct = 0
        case l2 = 1
    }

    /// The bytes of an `IndexIVFPQ` file, inside an `IndexPreTransform` where `contents` has a
    /// transform.
    ///
    /// - Complexity: O(bytes written); the file is built in memory.
    /// - Throws: `invalidArgument` where the parts of `contents` do not fit together.
    package static func serialise(_ contents: FaissIndexContents) throws(TesseraError) -> [UInt8] {
        try contents.check()
        let metric: FaissMetric = contents.metric == .innerProduct ? .innerProduct : .l2
        var writer = ByteWriter()
        if contents.transform != .none {
            writer.tag("IxPT")
            header(&writer, contents.dimension, contents.vectorCount, metric)
            writer.integer(Int32(1))
            transform(&writer, contents)
        }
        invertedFile(&writer, contents, metric)
        return writer.bytes
    }

    /// `IndexIVFPQ`: header, coarse quantizer, an empty direct map, codebooks, lists.
    private static func invertedFile(
        _ writer: inout ByteWriter, _ contents: FaissIndexContents, _ metric: FaissMetric
    ) {
        let shape = contents.codebooks.shape
        writer.tag("IwPQ")
        header(&writer, shape.paddedDimension, contents.vectorCount, metric)
        writer.size(contents.centroids.rows)
        writer.size(contents.nprobe)
        flat(&writer, contents.centroids, metric)
        writer.integer(UInt8(0))
        writer.size(0)
        writer.flag(true)  // codes are of residuals
        writer.size(shape.codeSize)
        writer.size(shape.paddedDimension)
        writer.size(shape.subquantizerCount)
        writer.size(shape.bitsPerCode)
        writer.vector(contents.codebooks.centroids)
        invertedLists(&writer, contents)
    }

    /// The header that every index begins with.
    private static func header(
        _ writer: inout ByteWriter, _ dimension: Int, _ count: Int, _ metric: FaissMetric
    ) {
        writer.integer(Int32(dimension))
        writer.integer(Int64(count))
        // Two fields that Faiss no longer reads, but still writes with these values.
        writer.integer(Int64(1) << 20)
        writer.integer(Int64(1) << 20)
        writer.flag(true)  // trained
        writer.integer(metric.rawValue)
    }

    /// `IndexFlatL2` or `IndexFlatIP` over `[nlist][D]` centroids.
    private static func flat(
        _ writer: inout ByteWriter, _ centroids: Matrix, _ metric: FaissMetric
    ) {
        writer.tag(metric == .innerProduct ? "IxFI" : "IxF2")
        header(&writer, centroids.columns, centroids.rows, metric)
        writer.vector(centroids.elements)
    }

    /// `RemapDimensionsTransform` for padding, `LinearTransform` without bias for a rotation.
    private static func transform(_ writer: inout ByteWriter, _ contents: FaissIndexContents) {
        let padded = contents.codebooks.shape.paddedDimension
        if case .rotation(let matrix) = contents.transform {
            writer.tag("LTra")
            writer.flag(false)  // no bias
            writer.vector(matrix.elements)
            writer.vector([])
        } else {
            writer.tag("RmDT")
            writer.size(padded)
            // -1 means zero.
            for column in 0..<padded {
                writer.integer(Int32(column < contents.dimension ? column : -1))
            }
        }
        writer.integer(Int32(contents.dimension))
        writer.integer(Int32(padded))
        writer.flag(true)  // trained
    }

    /// `ArrayInvertedLists`, with the size of every list.
    private static func invertedLists(_ writer: inout ByteWriter, _ contents: FaissIndexContents) {
        let shape = contents.codebooks.shape
        writer.tag("ilar")
        writer.size(contents.lists.count)
        writer.size(shape.codeSize)
        writer.tag("full")
        writer.size(contents.lists.count)
        for list in contents.lists { writer.size(list.ids.count) }
        for list in contents.lists {
            writer.append(packed(list.codes, bits: shape.bitsPerCode))
            for id in list.ids { writer.integer(id) }
        }
    }

    /// 4-bit codes two per byte, the first in the low half, as Faiss's `PQEncoderGeneric` packs
    /// them. The number of codes per vector is even, so vectors do not share a byte.
    private static func packed(_ codes: [UInt8], bits: Int) -> [UInt8] {
        guard bits == 4 else { return codes }
        return stride(from: 0, to: codes.count, by: 2).map { codes[$0] | codes[$0 + 1] << 4 }
    }
}

/// Faiss's primitive types.
extension ByteWriter {
    /// Four ASCII letters naming the class that follows.
    fileprivate mutating func tag(_ letters: StaticString) {
        append("\(letters)".utf8)
    }

    /// `size_t`, on the 64-bit machines that Faiss runs on.
    fileprivate mutating func size(_ value: Int) {
        integer(UInt64(value))
    }

    fileprivate mutating func flag(_ value: Bool) {
        integer(UInt8(value ? 1 : 0))
    }

    /// `std::vector<float>`; the vectors of a flat index are written the same way.
    fileprivate mutating func vector(_ values: [Float]) {
        size(values.count)
        floats(values)
    }
}
