// Layout of a cache entry's file.
//
// | bytes | what |
// |---|---|
// | 8 | "TSCACHE1" |
// | 64 | SHA-256 of the object, hexadecimal |
// | 8, 8, 8 | 1 for a whole object, else 0; first byte; byte after the last; little-endian |
// | 8 * blockCount | check of each block of the payload |
// | 8 | check of all the above |
// | the rest | payload in blocks of 32 KiB |
//
// A check is the first 8 bytes of a SHA-256. Nothing is used before its check has passed in the
// same reading.
internal import TesseraBase

/// Header of an entry's file.
struct CacheEntryHeader: Equatable, Sendable {
    static let blockBytes: UInt64 = 32 << 10
    static let fixedBytes = 8 + 64 + 24
    private static let magic = Array("TSCACHE1".utf8)

    let digest: ContentDigest
    let isWhole: Bool
    /// Range of the object that the payload holds.
    let span: Range<UInt64>
    let checks: [UInt64]

    /// Offset of the payload in the file.
    var payloadOffset: UInt64 { Self.byteCount(payload: span.upperBound - span.lowerBound) }

    static func byteCount(payload: UInt64) -> UInt64 {
        UInt64(fixedBytes) + 8 * blockCount(payload) + 8
    }

    static func blockCount(_ payload: UInt64) -> UInt64 {
        payload / blockBytes + (payload % blockBytes == 0 ? 0 : 1)
    }

    init(_ name: CacheEntryName, payload: [UInt8]) {
        digest = name.digest
        isWhole = name.span == nil
        span = name.span ?? 0..<UInt64(payload.count)
        checks = stride(from: 0, to: payload.count, by: Int(Self.blockBytes)).map { start in
            Self.check(payload[start..<min(start + Int(Self.blockBytes), payload.count)])
        }
    }

    var encoded: [UInt8] {
        var bytes = Self.magic + Array(digest.hex.utf8)
        bytes.append(littleEndian: isWhole ? 1 : 0)
        bytes.append(littleEndian: span.lowerBound)
        bytes.append(littleEndian: span.upperBound)
        for check in checks { bytes.append(littleEndian: check) }
        bytes.append(littleEndian: Self.check(bytes[...]))
        return bytes
    }

    /// Reads the header of the entry `name` from a file of `fileBytes`; nil where anything does not
    /// fit.
    init?(_ name: CacheEntryName, _ file: OpenFile, fileBytes: UInt64) {
        guard fileBytes >= UInt64(Self.fixedBytes) + 8,
            let fixed = try? file.bytes(0..<UInt64(Self.fixedBytes)),
            Array(fixed[..<8]) == Self.magic, Array(fixed[8..<72]) == Array(name.digest.hex.utf8)
        else { return nil }
        let numbers = (0..<3).map { fixed.littleEndian(at: 72 + 8 * $0) }
        guard numbers[0] == (name.span == nil ? 1 : 0), numbers[1] <= numbers[2],
            numbers[2] - numbers[1] <= fileBytes
        else { return nil }
        let span = numbers[1]..<numbers[2]
        let payload = span.upperBound - span.lowerBound
        let size = Self.byteCount(payload: payload)
        guard fileBytes == size + payload, name.span.map({ $0 == span }) ?? (span.lowerBound == 0),
            let whole = try? file.bytes(0..<size),
            Self.check(whole[..<(whole.count - 8)]) == whole.littleEndian(at: whole.count - 8)
        else { return nil }
        digest = name.digest
        isWhole = name.span == nil
        self.span = span
        checks = (0..<Int(Self.blockCount(payload))).map {
            whole.littleEndian(at: Self.fixedBytes + 8 * $0)
        }
    }

    /// Whether `bytes` are block number `block` of the payload.
    func matches(_ bytes: ArraySlice<UInt8>, block: Int) -> Bool {
        Self.check(bytes) == checks[block]
    }

    private static func check(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var hasher = ContentHasher()
        bytes.withUnsafeBytes { hasher.update($0) }
        return UInt64(hasher.finish().hex.prefix(16), radix: 16) ?? 0
    }
}

/// An entry's open file. It stays readable when the entry is evicted.
struct CacheEntry: Sendable {
    let header: CacheEntryHeader
    let file: OpenFile

    enum Opened {
        case missing
        case damaged
        case entry(CacheEntry)
    }

    private init(header: CacheEntryHeader, file: OpenFile) {
        self.header = header
        self.file = file
    }

    static func open(_ name: CacheEntryName, at path: String) -> Opened {
        guard let file = try? OpenFile.existing(path) else { return .missing }
        guard let status = try? file.status(), status.kind == .file,
            let header = CacheEntryHeader(name, file, fileBytes: status.size)
        else { return .damaged }
        return .entry(CacheEntry(header: header, file: file))
    }

    /// The bytes in `range` of the object, which lies in the entry's span; nil where they are
    /// damaged.
    func read(_ range: Range<UInt64>) -> [UInt8]? {
        guard !range.isEmpty else { return [] }
        let size = CacheEntryHeader.blockBytes
        let start = header.span.lowerBound
        let end = header.span.upperBound - start
        let first = (range.lowerBound - start) / size
        let last = (range.upperBound - 1 - start) / size
        let region = first * size..<min((last + 1) * size, end)
        let base = header.payloadOffset
        guard let bytes = try? file.bytes(base + region.lowerBound..<base + region.upperBound)
        else {
            return nil
        }
        for block in first...last {
            let from = Int((block - first) * size)
            let to = min(from + Int(size), bytes.count)
            guard header.matches(bytes[from..<to], block: Int(block)) else { return nil }
        }
        let offset = Int(range.lowerBound - start - region.lowerBound)
        let count = Int(range.upperBound - range.lowerBound)
        return count == bytes.count ? bytes : Array(bytes[offset..<offset + count])
    }
}

extension [UInt8] {
    fileprivate mutating func append(littleEndian value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
        }
    }

    fileprivate func littleEndian(at offset: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(self[offset + $1]) << UInt64(8 * $1) }
    }
}
