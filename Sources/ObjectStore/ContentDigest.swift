// The name of content: SHA-256, as 64 lower-case hexadecimal digits. The one place that hashes.
internal import Crypto
package import TesseraBase

/// The SHA-256 of some bytes. Objects are named by it, so equal content is stored once.
package struct ContentDigest: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    package let hex: String

    /// The digest of `bytes`.
    package init(of bytes: [UInt8]) {
        var hasher = ContentHasher()
        hasher.update(bytes)
        self = hasher.finish()
    }

    /// Throws `invalidArgument` unless `hex` is 64 lower-case hexadecimal digits.
    package init(hex: String) throws(TesseraError) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let letters = UInt8(ascii: "a")...UInt8(ascii: "f")
        let isClean = hex.utf8.allSatisfy { digits.contains($0) || letters.contains($0) }
        guard hex.utf8.count == 64, isClean else {
            throw TesseraError(
                .invalidArgument,
                "'\(hex.prefix(80))' is not a SHA-256 digest of 64 lower-case hexadecimal digits")
        }
        self.hex = hex
    }

    fileprivate init(trusted hex: String) {
        self.hex = hex
    }

    package var description: String { hex }

    package static func < (left: ContentDigest, right: ContentDigest) -> Bool {
        left.hex < right.hex
    }
}

extension ContentDigest: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(hex: decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}

/// Takes the digest of bytes that come in pieces.
package struct ContentHasher: Sendable {
    private var state = SHA256()

    package init() {}

    /// Adds the next bytes.
    package mutating func update(_ bytes: [UInt8]) {
        state.update(data: bytes)
    }

    /// Adds the next bytes, from raw memory.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        state.update(bufferPointer: bytes)
    }

    /// The digest of everything added so far.
    package func finish() -> ContentDigest {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in state.finalize() {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return ContentDigest(trusted: String(decoding: text, as: UTF8.self))
    }
}
