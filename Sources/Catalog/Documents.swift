// The documents of a catalog: manifest, draft and tombstone. All are JSON with sorted keys, so that
// the same state is always the same bytes.
package import Foundation

/// A published version of an index. It never changes.
package struct Manifest: Sendable, Equatable, Codable {
    /// How a version came to be.
    package enum Kind: String, Sendable, Codable {
        case publish
        case rollback
    }

    package var format = Self.formatName
    package var formatVersion = Self.currentFormatVersion
    package var version: Int
    /// Time of writing in whole seconds, UTC.
    package var createdAt: Date
    package var kind: Kind
    /// The version whose content a rollback brought back.
    package var rollbackOf: Int?
    /// The draft that was published; nil for a rollback.
    package var draft: String?
    /// The version that was measured anew: this one has its content, and other operating points.
    package var tuneOf: Int?
    /// Chosen by the writer, so that after a lost answer it can tell its own manifest from
    /// another's.
    package var nonce: String
    package var index: IndexDescription
    /// The recall measured before the version was visible; nil if not measured. A rollback keeps
    /// it.
    package var certificate: RecallCertificate?
    /// The recall bound that the publish had to reach; nil if none was set.
    package var recallGate: RecallGate?

    package init(
        version: Int, createdAt: Date, kind: Kind, rollbackOf: Int? = nil, draft: String? = nil,
        tuneOf: Int? = nil, nonce: String, index: IndexDescription,
        certificate: RecallCertificate? = nil, recallGate: RecallGate? = nil
    ) {
        self.certificate = certificate
        self.recallGate = recallGate
        self.version = version
        self.createdAt = createdAt.wholeSeconds
        self.kind = kind
        self.rollbackOf = rollbackOf
        self.draft = draft
        self.tuneOf = tuneOf
        self.nonce = nonce
        self.index = index
    }
}

/// What train produced and publish has not yet made visible.
package struct Draft: Sendable, Equatable, Codable {
    package var format = Self.formatName
    package var formatVersion = Self.currentFormatVersion
    package var id: String
    /// Time of writing in whole seconds, UTC.
    package var createdAt: Date
    /// The version that was measured anew; the draft is published on top of it or not at all.
    package var tuneOf: Int?
    package var index: IndexDescription

    package init(id: String, createdAt: Date, tuneOf: Int? = nil, index: IndexDescription) {
        self.id = id
        self.tuneOf = tuneOf
        self.createdAt = createdAt.wholeSeconds
        self.index = index
    }
}

/// What garbage collection leaves where a manifest was, so that its number is never used again.
package struct Tombstone: Sendable, Equatable, Codable {
    package var format = Self.formatName
    package var formatVersion = Self.currentFormatVersion
    package var version: Int
    /// Time of writing in whole seconds, UTC.
    package var collectedAt: Date

    package init(version: Int, collectedAt: Date) {
        self.version = version
        self.collectedAt = collectedAt.wholeSeconds
    }
}

extension Manifest: CatalogDocument {
    package static let formatName = "tessera.manifest"
    package static let currentFormatVersion = 1

    package var inconsistency: String? {
        if !(1...CatalogLayout.maximumVersion).contains(version) {
            return outOfRange(version)
        }
        if nonce.isEmpty || nonce.utf8.count > 100 { return "nonce is empty or too long" }
        if (kind == .rollback) != (rollbackOf != nil) {
            return
                "kind is \(kind.rawValue), but rollbackOf is \(rollbackOf.map(String.init) ?? "missing")"
        }
        if let rollbackOf, !(1..<version).contains(rollbackOf) {
            return "rollbackOf \(rollbackOf) is out of range: it is not a version before \(version)"
        }
        if let tuneOf, !(1..<version).contains(tuneOf) || kind != .publish {
            return "tuneOf \(tuneOf) is not a version before \(version), or the kind is not publish"
        }
        if let draft, !CatalogLayout.isValid(id: draft) {
            return "draft '\(draft.prefix(80))' is not a draft id"
        }
        return index.inconsistency ?? promiseProblem
    }
}

extension Draft: CatalogDocument {
    package static let formatName = "tessera.draft"
    package static let currentFormatVersion = 1

    package var inconsistency: String? {
        CatalogLayout.isValid(id: id)
            ? index.inconsistency : "id '\(id.prefix(80))' is not a draft id"
    }
}

extension Tombstone: CatalogDocument {
    package static let formatName = "tessera.tombstone"
    package static let currentFormatVersion = 1

    package var inconsistency: String? {
        (1...CatalogLayout.maximumVersion).contains(version) ? nil : outOfRange(version)
    }
}

extension Date {
    /// The date in whole seconds, as documents keep it: a value must equal what is read back.
    var wholeSeconds: Date {
        Date(timeIntervalSince1970: timeIntervalSince1970.rounded(.down))
    }
}

private func outOfRange(_ version: Int) -> String {
    "version \(version) is out of range; give 1 to \(CatalogLayout.maximumVersion)"
}
