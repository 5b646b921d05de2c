// The first bytes of a vector file, from which headers are read and mislabelled files recognised.
import TesseraBase

/// The start of a file, with its length.
struct FileHead {
    /// Bytes read: enough for row 1's dimension in the widest file, and for NumPy's largest plain
    /// header.
    static let length = 4 * RowLayout.dimensionLimit + 8

    let path: String
    let format: VectorFileFormat
    /// The file's first bytes: all of them, or `length`.
    let bytes: [UInt8]
    /// The length of the whole file.
    let size: Int

    func uint32(at offset: Int) -> Int? {
        guard offset + 4 <= bytes.count else { return nil }
        return (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << ($1 * 8) }
    }

    func int32(at offset: Int) -> Int? {
        uint32(at: offset).map { Int(Int32(truncatingIfNeeded: $0)) }
    }

    func checkDimension(_ dimension: Int, _ saying: String) throws(TesseraError) {
        guard dimension > 0, dimension <= RowLayout.dimensionLimit else {
            throw refusal(
                "\(saying) \(dimension); it must be between 1 and \(RowLayout.dimensionLimit)")
        }
    }

    /// The error for this file: what is wrong, then what it may be instead, then another mend.
    func refusal(
        _ problem: String, otherwise mend: String = "write the file again"
    ) -> TesseraError {
        TesseraError(.invalidArgument, "\(path): \(problem): \(guess() ?? mend)")
    }

    /// What the file is, if its bytes fit exactly one or two other formats.
    private func guess() -> String? {
        if fits(.f16) && !bytes.starts(with: NumpyHeader.magic) {
            return "its size fits float16, which has no such format; "
                + "save it with np.save('vectors.npy', x)"
        }
        let others = VectorFileFormat.allCases.filter { other in
            other != format && isPlausible(other)
                // Only the name distinguishes int32 from float32: offer it to ground truth only.
                && (other.elementType == .i32) == (format.elementType == .i32)
        }
        guard !others.isEmpty else { return nil }
        let names = others.map { ".\($0.rawValue)" }.joined(separator: " or a ")
        return "is it a \(names)? then rename it"
    }

    private func isPlausible(_ other: VectorFileFormat) -> Bool {
        if other == .npy { return bytes.starts(with: NumpyHeader.magic) }
        guard let elementType = other.elementType else { return false }
        guard other.hasRowHeaders else { return fits(elementType) }
        guard let dimension = int32(at: 0), dimension > 0, dimension <= RowLayout.dimensionLimit
        else { return false }
        let stride = 4 + dimension * elementType.size
        return size.isMultiple(of: stride) && (int32(at: stride) ?? dimension) == dimension
    }

    /// True if the file is rows x columns of `elementType` behind the big-ann header.
    private func fits(_ elementType: ElementType) -> Bool {
        guard let rows = uint32(at: 0), let columns = uint32(at: 4), rows > 0, columns > 0,
            columns <= RowLayout.dimensionLimit
        else { return false }
        return rows * columns * elementType.size + 8 == size
    }
}
