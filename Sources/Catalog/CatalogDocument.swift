// Encodes and decodes documents. Bytes from a store are never trusted: an inconsistent document is
// an error that names the object.
internal import Foundation
internal import ObjectStore
package import TesseraBase

/// A JSON document that says which format it is in.
package protocol CatalogDocument: Codable, Sendable {
    static var formatName: String { get }
    /// Format version that this build writes, and the newest it reads.
    static var currentFormatVersion: Int { get }
    /// What is inconsistent in it; nil if nothing is.
    var inconsistency: String? { get }
}

extension CatalogDocument {
    /// Encodes with sorted keys, indentation and a final newline: the same value is always the same
    /// bytes.
    ///
    /// - Throws: `invalidArgument` for an inconsistent document.
    package func encoded() throws(TesseraError) -> [UInt8] {
        if let inconsistency {
            throw TesseraError(
                .invalidArgument, "this \(Self.formatName) cannot be written: \(inconsistency)")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        do {
            return [UInt8](try encoder.encode(self)) + [UInt8(ascii: "\n")]
        } catch {
            throw TesseraError(
                .invalidArgument, "this \(Self.formatName) cannot be written", cause: error)
        }
    }

    /// Reads a document; `object` is what errors name.
    ///
    /// - Throws: `corrupted` for bytes that are no such document or an inconsistent one,
    ///   `unsupported` for a format version this build does not read.
    package init(decoding bytes: [UInt8], object: String) throws(TesseraError) {
        let header = try DocumentHeader(decoding: bytes, object: object)
        guard header.format == Self.formatName else {
            throw TesseraError(
                .corrupted,
                "\(object) is a '\(header.format.prefix(80))', not a '\(Self.formatName)'")
        }
        guard header.formatVersion == Self.currentFormatVersion else {
            throw TesseraError(
                .unsupported,
                "\(object) is \(Self.formatName) version \(header.formatVersion), but this build reads "
                    + "version \(Self.currentFormatVersion); use a build that matches it")
        }
        self = try decodeJSON(Self.self, bytes, object)
        if let inconsistency {
            throw TesseraError(.corrupted, "\(object) is inconsistent: \(inconsistency)")
        }
    }
}

/// The fields that all documents begin with.
struct DocumentHeader: Decodable {
    let format: String
    let formatVersion: Int

    init(decoding bytes: [UInt8], object: String) throws(TesseraError) {
        self = try decodeJSON(Self.self, bytes, object)
    }
}

private func decodeJSON<Value: Decodable>(
    _ type: Value.Type, _ bytes: [UInt8], _ object: String
) throws(TesseraError) -> Value {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    do {
        return try decoder.decode(type, from: Data(bytes))
    } catch {
        throw TesseraError(.corrupted, "\(object) is not the JSON of such a document", cause: error)
    }
}
