// NumPy's .npy header (NEP 1, versions 1 to 3): a Python dictionary in text, read without
// evaluating it.
import TesseraBase

/// What an .npy header says.
struct NumpyHeader: Equatable {
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    let description: String
    let fortranOrder: Bool
    let shape: [Int]

    /// The layout an .npy file's header promises. Throws `invalidArgument` with the mend in NumPy.
    static func layout(of head: FileHead) throws(TesseraError) -> RowLayout {
        let (text, dataOffset) = try text(of: head)
        guard let header = NumpyHeader(text) else {
            throw head.refusal("its header is not the dictionary NumPy writes: \(text.prefix(120))")
        }
        guard let elementType = header.elementType else {
            throw head.refusal(
                "its dtype is '\(header.description)'; '<f4', '<f2', '|u1' and '|i1' are read",
                otherwise: "save it with np.save('vectors.npy', x.astype('<f4'))")
        }
        guard !header.fortranOrder else {
            throw head.refusal(
                "it is in Fortran order, column after column",
                otherwise: "save it with np.save('vectors.npy', np.ascontiguousarray(x))")
        }
        guard header.shape.count == 2 else {
            let mend = header.shape.count < 2 ? "x.reshape(-1, dimension)" : "x.reshape(len(x), -1)"
            throw head.refusal(
                "its shape is \(header.shape), \(header.shape.count)-dimensional; "
                    + "vectors are (rows, dimension)",
                otherwise: "save it with np.save('vectors.npy', \(mend))")
        }
        let layout = RowLayout(
            elementType: elementType, rows: header.shape[0], dimension: header.shape[1],
            dataOffset: dataOffset)
        try layout.check(head)
        return layout
    }

    /// The header's text and where the data begins.
    private static func text(of head: FileHead) throws(TesseraError) -> (String, Int) {
        guard head.bytes.starts(with: magic), head.bytes.count >= 12 else {
            throw head.refusal("does not start with a whole NumPy header")
        }
        let version = head.bytes[6]
        guard (1...3).contains(version), let word = head.uint32(at: 8) else {
            throw head.refusal("its .npy version is \(version); 1, 2 and 3 are read")
        }
        // Version 1 keeps the length in two bytes, the later ones in four.
        let start = version == 1 ? 10 : 12
        let length = version == 1 ? word & 0xFFFF : word
        guard length <= FileHead.length - start else {
            throw head.refusal(
                "its header promises to be \(length) bytes long; plain arrays' are not")
        }
        guard start + length <= head.bytes.count else {
            throw head.refusal(
                "its header promises \(start + length) bytes, the file has \(head.size)",
                otherwise: "it was cut off: copy or write it again")
        }
        return (String(decoding: head.bytes[start..<start + length], as: UTF8.self), start + length)
    }

    /// The dtype as an element type; nil for big-endian and unsupported ones.
    private var elementType: ElementType? {
        let orders: Set<Character> = ["<", "=", "|", ">"]
        let order = description.first.flatMap { orders.contains($0) ? $0 : nil }
        let kind = order == nil ? description[...] : description.dropFirst()
        switch kind {
        case "u1": return .u8
        case "i1": return .i8
        case "f4" where order != ">": return .f32
        case "f2" where order != ">": return .f16
        case "i4" where order != ">": return .i32
        default: return nil
        }
    }
}

extension NumpyHeader {
    /// Parses the text; nil unless it is a dictionary with exactly the three known keys.
    init?(_ text: String) {
        var rest = text[...]
        var description: String?
        var fortranOrder: Bool?
        var shape: [Int]?
        func skip(_ token: String) -> Bool {
            rest = rest.drop { $0.isWhitespace }
            guard rest.hasPrefix(token) else { return false }
            rest = rest.dropFirst(token.count)
            return true
        }
        func quoted() -> String? {
            guard let quote = ["'", "\""].first(where: skip),
                let end = rest.firstIndex(of: Character(quote))
            else { return nil }
            defer { rest = rest[rest.index(after: end)...] }
            return String(rest[..<end])
        }
        func upTo(_ end: Character) -> Substring? {
            guard let index = rest.firstIndex(of: end) else { return nil }
            defer { rest = rest[rest.index(after: index)...] }
            return rest[..<index]
        }
        guard skip("{") else { return nil }
        while !skip("}") {
            guard let key = quoted(), skip(":") else { return nil }
            switch key {
            case "descr":
                // A record's dtype is a list; it is shown as it stands and refused later.
                description = skip("[") ? upTo("]").map { "[\($0)]" } : quoted()
                guard description != nil else { return nil }
            case "fortran_order":
                fortranOrder = skip("True") ? true : skip("False") ? false : nil
            case "shape":
                shape = skip("(") ? upTo(")").flatMap(NumpyHeader.integers) : nil
            default: return nil
            }
            _ = skip(",")
        }
        guard let description, let fortranOrder, let shape else { return nil }
        self.init(description: description, fortranOrder: fortranOrder, shape: shape)
    }

    /// The numbers inside a Python tuple: "3, 4" or "3,".
    private static func integers(_ tuple: Substring) -> [Int]? {
        var numbers: [Int] = []
        for part in tuple.split(separator: ",") {
            let digits = part.filter { !$0.isWhitespace }
            if digits.isEmpty { continue }
            guard let number = Int(digits), number >= 0 else { return nil }
            numbers.append(number)
        }
        return numbers
    }
}
