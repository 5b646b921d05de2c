// Reads what is at the key of a version.
package import Foundation
internal import ObjectStore
package import TesseraBase

/// One version number that was ever used.
package struct VersionEntry: Sendable {
    /// What is at the version's key now.
    package enum State: Sendable {
        case published(Manifest)
        /// The version was collected; its number stays used.
        case collected(Tombstone)
        /// The object is there but cannot be understood.
        case unreadable(TesseraError)
    }

    package let number: Int
    package let state: State
    /// When the store got the object.
    package let modified: Date
    /// The size of the object itself.
    package let bytes: UInt64

    var isCollected: Bool {
        guard case .collected = state else { return false }
        return true
    }

    /// The manifest, where there is one.
    package var manifest: Manifest? {
        guard case .published(let manifest) = state else { return nil }
        return manifest
    }
}

extension VersionEntry.State {
    /// Decodes the bytes at version `number`; any error becomes `unreadable`.
    init(bytes: [UInt8], number: Int, object: String) {
        do throws(TesseraError) {
            let header = try DocumentHeader(decoding: bytes, object: object)
            if header.format == Tombstone.formatName {
                let tombstone = try Tombstone(decoding: bytes, object: object)
                try Self.check(tombstone.version, number, object)
                self = .collected(tombstone)
            } else {
                let manifest = try Manifest(decoding: bytes, object: object)
                try Self.check(manifest.version, number, object)
                self = .published(manifest)
            }
        } catch {
            self = .unreadable(error)
        }
    }

    private static func check(
        _ found: Int, _ number: Int, _ object: String
    ) throws(TesseraError) {
        guard found == number else {
            throw TesseraError(.corrupted, "\(object) says that it is version \(found)")
        }
    }
}
