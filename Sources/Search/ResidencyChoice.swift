// Chooses the part of an index to keep in memory if the user does not, from the index's size, the
// number of searches and the memory available.
package import Catalog

/// The values of the `--resident` option.
package enum ResidencyChoice: String, Sendable, Equatable, CaseIterable {
    /// Chosen by the rule of ``residency(of:searches:available:)``.
    case auto
    case codes
    case all

    /// Largest share of the available memory for an index; the rest is for answers and other
    /// processes.
    static let largestShare = 0.5
    /// Bytes of an index that load in about the time that one search saves by not reading rows from
    /// files.
    static let bytesASearch = 400_000.0

    /// The residency to load. `auto` chooses everything if that takes at most half of the available
    /// memory and the searches save more time than loading takes.
    ///
    /// - Parameters:
    ///   - searches: number of searches to come; nil: unlimited.
    ///   - available: bytes, from ``TesseraBase/AvailableMemory``; nil: unknown, so codes only.
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
    /// Bytes per id in memory, beyond those of the compressed id blocks in the store.
    private static let idBytes = 32.0

    /// Estimated bytes of the whole index in memory, rounded up: its shards as stored, and its ids
    /// decoded.
    package var residentBytes: Double {
        shards.reduce(0) { $0 + Double($1.bytes) } + Self.idBytes * Double(vectors)
    }
}
