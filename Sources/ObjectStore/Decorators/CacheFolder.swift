// The folder of a cache. Entries are files, and there is no other state on disk.
//
// Invariants: an entry's file appears whole under its name (written aside, then renamed) and is
// checked at each reading, so neither a kill nor a power cut nor another process can cause a wrong
// answer, only a miss. The folder's bytes stay within the budget, but for what other processes have
// added since the last scan, at most an eighth of it each. If the cache cannot write, it only
// misses.
internal import Foundation
internal import Glibc
internal import Synchronization
internal import TesseraBase

/// Reads, writes and evicts entries. All work on files is done on the threads for blocking work.
final class CacheFolder: Sendable {
    /// Age at which a temporary file must be from a writer that died.
    private static let temporaryLifetime: TimeInterval = 3600
    /// How often the file time of an entry in use is updated; it orders entries after a restart.
    private static let stampInterval = Duration.seconds(60)
    /// Pause of all writing after a failed write.
    private static let pauseAfterFailure = Duration.seconds(10)

    let root: String
    private let clock: SteadyClock
    private let wallClock: WallClock
    private let files: FileStore
    private let index: Mutex<CacheIndex>
    private let state = Mutex(State())
    private let scans = SingleFlight<String, Bool>()

    private struct State {
        var isReady = false
        var bytesSinceScan: UInt64 = 0
        var pausedUntil: Duration?
        var statistics = CacheStatistics()
    }

    init(root: String, budget: UInt64, clock: SteadyClock, wallClock: WallClock) {
        files = FileStore(root: root)
        self.root = files.root
        self.clock = clock
        self.wallClock = wallClock
        index = Mutex(CacheIndex(budget: budget))
    }

    var statistics: CacheStatistics {
        var statistics = state.withLock { $0.statistics }
        (statistics.entries, statistics.bytes) = index.withLock { ($0.count, $0.bytes) }
        return statistics
    }

    func count(_ change: (inout CacheStatistics) -> Void) {
        state.withLock { change(&$0.statistics) }
    }

    /// Scans the folder and removes temporary files of dead writers, once.
    func ready() async {
        guard !state.withLock({ $0.isReady }) else { return }
        _ = try? await scans.run("first") { () throws(TesseraError) in
            guard !self.state.withLock({ $0.isReady }) else { return true }
            let date = self.wallClock.now().addingTimeInterval(-Self.temporaryLifetime)
            // A folder that cannot be read or swept is an empty cache, no failure.
            _ = await outcome { () throws(TesseraError) in
                try await self.files.staleTemporaryFiles(prefix: "", olderThan: date, apply: true)
            }
            await self.scan()
            self.state.withLock { $0.isReady = true }
            return true
        }
    }

    /// The bytes in each of `ranges` of an object (nil is all of it), where they are cached and
    /// sound.
    func read(_ digest: ContentDigest, _ ranges: [Range<UInt64>?]) async -> [[UInt8]?] {
        let found = try? await BlockingIO.shared.run { () throws(TesseraError) in
            self.readBlocking(digest, ranges)
        }
        return found ?? [[UInt8]?](repeating: nil, count: ranges.count)
    }

    /// Keeps `payload` if there is room for it; a failure is only counted.
    func save(_ name: CacheEntryName, _ payload: [UInt8]) async {
        let now = clock.now()
        if state.withLock({ $0.pausedUntil.map { now < $0 } ?? false }) { return }
        let size = CacheEntryHeader.byteCount(payload: UInt64(payload.count))
        let bytes = CacheIndex.charge(fileBytes: size + UInt64(payload.count))
        guard let evicted = index.withLock({ $0.reserve(bytes) }) else { return }
        do throws(TesseraError) {
            try await BlockingIO.shared.run { () throws(TesseraError) in
                self.delete(evicted)
                try self.write(name, payload)
                self.delete(self.added(name, bytes))
            }
        } catch {
            index.withLock { $0.release(bytes) }
            // Cancelled before its turn: nothing was written, and the evicted files are found by
            // the next scan.
            guard error.code != .cancelled else { return }
            let until = clock.now() + Self.pauseAfterFailure
            state.withLock {
                $0.statistics.writeFailures += 1
                $0.pausedUntil = until
            }
            return
        }
        await scanIfDue(bytes)
    }

    /// Removes all entries of an object, those of other processes too.
    func drop(_ digest: ContentDigest) async {
        let prefix = "\(digest.hex.prefix(2))/\(digest.hex)-"
        let found = (try? await files.list(prefix: prefix)) ?? []
        let names = found.compactMap { CacheEntryName(path: $0.key) }
        _ = try? await BlockingIO.shared.run { () throws(TesseraError) in self.remove(names) }
    }

    /// A reader of a whole cached object, on the calling thread.
    func reader(_ digest: ContentDigest, name: String) -> CacheReader? {
        let entryName = CacheEntryName(digest: digest, span: nil)
        switch CacheEntry.open(entryName, at: path(of: entryName)) {
        case .missing: return nil
        case .damaged:
            dropDamaged(entryName)
            return nil
        case .entry(let entry):
            note(entryName, entry.header)
            return CacheReader(entry, name: name) { [weak self] in self?.dropDamaged(entryName) }
        }
    }
}

// MARK: On threads for blocking work

extension CacheFolder {
    private func path(of name: CacheEntryName) -> String { root + "/" + name.path }

    private func readBlocking(
        _ digest: ContentDigest, _ ranges: [Range<UInt64>?]
    ) -> [[UInt8]?] {
        // The whole object is tried even if it is not in the index: another process may have kept
        // it.
        let whole = CacheEntryName(digest: digest, span: nil)
        let names = index.withLock { index in
            ranges.map { index.covering(digest, $0) ?? whole }
        }
        var parts = [[UInt8]?](repeating: nil, count: ranges.count)
        for (name, places) in Dictionary(grouping: ranges.indices, by: { names[$0] }) {
            switch CacheEntry.open(name, at: path(of: name)) {
            case .missing: index.withLock { $0.remove(name) }
            case .damaged: dropDamaged(name)
            case .entry(let entry):
                note(name, entry.header)
                for place in places {
                    let range = ranges[place] ?? entry.header.span
                    guard entry.header.span.lowerBound <= range.lowerBound,
                        range.upperBound <= entry.header.span.upperBound
                    else { continue }
                    parts[place] = entry.read(range)
                    if parts[place] == nil {
                        dropDamaged(name)
                        break
                    }
                }
            }
        }
        return parts
    }

    /// Marks an entry as used, and adds it where another process wrote it.
    private func note(_ name: CacheEntryName, _ header: CacheEntryHeader) {
        let now = clock.now()
        let fileBytes = header.payloadOffset + header.span.upperBound - header.span.lowerBound
        let (isStale, evicted) = index.withLock { index in
            let isNew = !index.contains(name)
            let evicted =
                isNew ? index.insert(name, bytes: CacheIndex.charge(fileBytes: fileBytes)) : []
            return (index.touch(name, at: now, stampEvery: Self.stampInterval), evicted)
        }
        delete(evicted)
        if isStale { utimensat(AT_FDCWD, path(of: name), nil, 0) }
    }

    private func write(_ name: CacheEntryName, _ payload: [UInt8]) throws(TesseraError) {
        let header = CacheEntryHeader(name, payload: payload)
        let target = path(of: name)
        let folder = FileStore.parent(of: target)
        let aside = folder + "/" + TemporaryName.make()
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw TesseraError(.unavailable, "cannot create the folder '\(folder)'", cause: error)
        }
        do throws(TesseraError) {
            let file = try OpenFile.creatingNew(aside)
            let head = header.encoded
            try file.write(head, at: 0)
            try file.write(payload, at: head.count)
            try file.rename(to: target)
        } catch {
            unlink(aside)
            throw error
        }
    }

    /// Puts a written entry in the place of its reservation, and of parts of the same object that
    /// it makes useless.
    private func added(_ name: CacheEntryName, _ bytes: UInt64) -> [CacheEntryName] {
        index.withLock { index in
            index.release(bytes)
            let parts = name.span == nil ? index.removeParts(of: name.digest) : []
            return parts + index.insert(name, bytes: bytes)
        }
    }

    private func remove(_ names: [CacheEntryName]) {
        index.withLock { index in for name in names { index.remove(name) } }
        delete(names)
    }

    private func dropDamaged(_ name: CacheEntryName) {
        remove([name])
        count { $0.damaged += 1 }
    }

    private func delete(_ names: [CacheEntryName]) {
        for name in names { unlink(path(of: name)) }
    }
}

// MARK: Scanning

extension CacheFolder {
    private func scanIfDue(_ written: UInt64) async {
        let budget = index.withLock { $0.budget }
        let isDue = state.withLock { state in
            state.bytesSinceScan += written
            guard state.bytesSinceScan > budget / 8 else { return false }
            state.bytesSinceScan = 0
            return true
        }
        guard isDue else { return }
        _ = try? await scans.run("again") { () throws(TesseraError) in
            await self.scan()
            return true
        }
    }

    /// Takes the folder's files for the index, least recently used first.
    private func scan() async {
        let tick = index.withLock { $0.tick }
        guard let found = try? await files.list(prefix: "") else { return }
        let entries = found.sorted { $0.modified < $1.modified }.compactMap { file in
            CacheEntryName(path: file.key).map { name in
                (name: name, bytes: CacheIndex.charge(fileBytes: file.size))
            }
        }
        let evicted = index.withLock { $0.replace(with: entries, since: tick) }
        guard !evicted.isEmpty else { return }
        _ = try? await BlockingIO.shared.run { () throws(TesseraError) in self.delete(evicted) }
    }
}
