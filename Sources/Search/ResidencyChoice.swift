// What of the shards is kept in memory where nobody says: a rule from the index's size, the number of searches and the
// memory that is left.
package import Catalog

/// What `--resident` asks for.
package enum ResidencyChoice: String, Sendable, Equatable, CaseIterable {
    /// By the rule of ``residency(of:searches:available:)``.
    case auto
    case codes
    case all

    /// An index takes at most this share of the memory that is left: others want some too, and so do the answers.
    static let largestShare = 0.5
    /// Bytes of an index that load in about the time which a search wins by not reading rows from files.
    static let bytesASearch = 400_000.0

    /// What to load. By itself everything, where that takes at most half of the memory left and there are enough searches to win
    /// back the time it takes to load.
    ///
    /// - Parameters:
    ///   - searches: how many are to come; nil: no end of them.
    ///   - available: bytes, as ``TesseraBase/AvailableMemory`` has them; nil: unknown, and nothing is taken for granted.
    package func residency(of index: IndexDescription, searches: Int?, available: Int?) -> Residency
    {
        switch self {
        case .codes: return .codes
        case .all: return .all
        case .auto:
            let bytes = index.residentBytes
            guard let available, bytes <= Self.largestShare * Double(available) else {
                return .codes
            }
            guard let searches else { return .all }
            return Double(searches) * Self.bytesASearch >= bytes ? .all : .codes
        }
    }
}

extension IndexDescription {
    /// What ids take in memory, besides what their compressed blocks take in the store.
    private static let idBytes = 32.0

    /// About what all of the index takes in memory, a little generously: its shards as they are stored, and its ids unpacked.
    package var residentBytes: Double {
        shards.reduce(0) { $0 + Double($1.bytes) } + Self.idBytes * Double(vectors)
    }
}
