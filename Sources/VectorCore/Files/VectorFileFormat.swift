// The file formats that are read, known by their extension.
import TesseraBase

/// An input format.
enum VectorFileFormat: String, CaseIterable {
    // TexMex (http://corpus-texmex.irisa.fr): an int32 dimension before every row.
    case fvecs, bvecs, ivecs
    // big-ann-benchmarks: uint32 rows, uint32 columns, then the rows.
    case fbin, u8bin, i8bin, ibin
    // NumPy's NEP 1.
    case npy

    /// The format of `path`, by its extension in any case.
    init(path: String) throws(TesseraError) {
        let name = path.split(separator: "/").last ?? ""
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 1, let suffix = parts.last,
            let format = VectorFileFormat(rawValue: suffix.lowercased())
        else {
            let known = VectorFileFormat.allCases.map { ".\($0.rawValue)" }
            throw TesseraError(
                .invalidArgument,
                "\(path) has none of the extensions \(known.joined(separator: " ")): rename it, "
                    + "or convert it in Python with np.save('vectors.npy', x)")
        }
        self = format
    }

    /// What the rows hold; nil where the file itself says it.
    var elementType: ElementType? {
        switch self {
        case .fvecs, .fbin: .f32
        case .bvecs, .u8bin: .u8
        case .i8bin: .i8
        case .ivecs, .ibin: .i32
        case .npy: nil
        }
    }

    /// True where every row is led by its own dimension.
    var hasRowHeaders: Bool { [.fvecs, .bvecs, .ivecs].contains(self) }
}
