// Which entries a cache folder holds and which are evicted first: a value, rebuilt from the
// folder's files at any time.
internal import TesseraBase

/// The name of an entry: content and bytes, so what is found under it can never be out of date.
struct CacheEntryName: Hashable, Sendable {
    static let suffix = ".tsc"

    let digest: ContentDigest
    /// Range of the object; nil for the whole object.
    let span: Range<UInt64>?

    init(digest: ContentDigest, span: Range<UInt64>?) {
        self.digest = digest
        self.span = span
    }

    /// The place in the cache folder: "ab/abcd…-whole.tsc" or "ab/abcd…-0-4096.tsc".
    var path: String {
        let bytes = span.map { "\($0.lowerBound)-\($0.upperBound)" } ?? "whole"
        return "\(digest.hex.prefix(2))/\(digest.hex)-\(bytes)\(Self.suffix)"
    }

    /// Parses the path of an entry; nil for any other file.
    init?(path: String) {
        guard path.hasSuffix(Self.suffix), let name = path.split(separator: "/").last else {
            return nil
        }
        let parts = name.dropLast(Self.suffix.count).split(separator: "-")
        guard let hex = parts.first, let digest = try? ContentDigest(hex: String(hex)) else {
            return nil
        }
        if parts.count == 2, parts[1] == "whole" {
            self.init(digest: digest, span: nil)
        } else if parts.count == 3, let lower = UInt64(parts[1]), let upper = UInt64(parts[2]),
            lower < upper
        {
            self.init(digest: digest, span: lower..<upper)
        } else {
            return nil
        }
        guard self.path == path else { return nil }
    }
}

/// The entries of a cache folder, least recently used first out.
///
/// Invariant: the bytes of the entries and of the reservations together stay within the budget.
struct CacheIndex: Sendable {
    private struct Entry {
        let bytes: UInt64
        var tick: UInt64
        /// When the file's time was last updated because of a use.
        var stampedAt: Duration?
    }

    let budget: UInt64
    private var entries: [CacheEntryName: Entry] = [:]
    private var spans: [ContentDigest: Set<CacheEntryName>] = [:]
    /// Uses in order. Only the last use of an entry has the entry's tick; earlier ones are skipped.
    private var uses: [(name: CacheEntryName, tick: UInt64)] = []
    private var firstUse = 0
    private(set) var tick: UInt64 = 0
    private(set) var bytes: UInt64 = 0
    private var reserved: UInt64 = 0

    init(budget: UInt64) {
        self.budget = budget
    }

    var count: Int { entries.count }

    func contains(_ name: CacheEntryName) -> Bool { entries[name] != nil }

    /// Approximate disk space of a file, in bytes.
    static func charge(fileBytes: UInt64) -> UInt64 {
        (fileBytes + 4095) / 4096 * 4096
    }

    /// An entry that holds `range` of an object, nil for all of it.
    ///
    /// - Complexity: O(entries of the object).
    func covering(_ digest: ContentDigest, _ range: Range<UInt64>?) -> CacheEntryName? {
        let whole = CacheEntryName(digest: digest, span: nil)
        if entries[whole] != nil { return whole }
        guard let range else { return nil }
        let exact = CacheEntryName(digest: digest, span: range)
        if entries[exact] != nil { return exact }
        return spans[digest]?.first { name in
            guard let span = name.span else { return true }
            return span.lowerBound <= range.lowerBound && range.upperBound <= span.upperBound
        }
    }

    /// Makes room for an entry to be written; returns the entries to delete, or nil where it can't
    /// fit.
    mutating func reserve(_ bytes: UInt64) -> [CacheEntryName]? {
        guard bytes <= budget, reserved <= budget - bytes else { return nil }
        reserved += bytes
        return evict()
    }

    /// Ends a reservation of `bytes`.
    mutating func release(_ bytes: UInt64) {
        reserved -= min(bytes, reserved)
    }

    /// Adds an entry or marks it as used; returns the entries to delete.
    mutating func insert(_ name: CacheEntryName, bytes: UInt64) -> [CacheEntryName] {
        remove(name)
        tick += 1
        entries[name] = Entry(bytes: bytes, tick: tick)
        spans[name.digest, default: []].insert(name)
        self.bytes += bytes
        uses.append((name, tick))
        return evict()
    }

    /// Marks an entry as used. Returns true if its file's time should be updated.
    mutating func touch(_ name: CacheEntryName, at now: Duration, stampEvery interval: Duration)
        -> Bool
    {
        guard var entry = entries[name] else { return false }
        tick += 1
        entry.tick = tick
        let isStale = entry.stampedAt.map { now - $0 >= interval } ?? true
        if isStale { entry.stampedAt = now }
        entries[name] = entry
        uses.append((name, tick))
        compact()
        return isStale
    }

    mutating func remove(_ name: CacheEntryName) {
        guard let entry = entries.removeValue(forKey: name) else { return }
        bytes -= entry.bytes
        spans[name.digest]?.remove(name)
        if spans[name.digest]?.isEmpty == true { spans[name.digest] = nil }
    }

    /// Removes the entries that hold parts of an object; returns them, to be deleted.
    mutating func removeParts(of digest: ContentDigest) -> [CacheEntryName] {
        let parts = (spans[digest] ?? []).filter { $0.span != nil }
        for name in parts { remove(name) }
        return Array(parts)
    }

    /// Takes over what a scan of the folder found, least recently used first; entries used since
    /// `tick` stay the most recent. Returns the entries to delete.
    mutating func replace(
        with found: [(name: CacheEntryName, bytes: UInt64)], since tick: UInt64
    ) -> [CacheEntryName] {
        let recent = entries.filter { $0.value.tick > tick }.sorted {
            $0.value.tick < $1.value.tick
        }
        let keptReserved = reserved
        var fresh = CacheIndex(budget: budget)
        fresh.reserved = keptReserved
        fresh.tick = self.tick
        var evicted: [CacheEntryName] = []
        for (name, bytes) in found { evicted += fresh.insert(name, bytes: bytes) }
        for (name, entry) in recent { evicted += fresh.insert(name, bytes: entry.bytes) }
        self = fresh
        return evicted.filter { entries[$0] == nil }
    }

    private mutating func evict() -> [CacheEntryName] {
        var evicted: [CacheEntryName] = []
        while bytes + reserved > budget, firstUse < uses.count {
            let use = uses[firstUse]
            firstUse += 1
            guard entries[use.name]?.tick == use.tick else { continue }
            remove(use.name)
            evicted.append(use.name)
        }
        compact()
        return evicted
    }

    /// Removes outdated uses once they are most of the list.
    private mutating func compact() {
        guard uses.count > 2 * entries.count + 1024 else { return }
        uses = uses[firstUse...].filter { entries[$0.name]?.tick == $0.tick }
        firstUse = 0
    }
}
