// The doctor passes sound stores and refuses each kind of unsound one, by the check that is meant
// for it.
import Catalog
import Foundation
import ObjectStore
import Synchronization
import TesseraBase
import TestSupport
import Testing

struct StoreDoctorTests {
    /// A store with one flaw.
    final class FlawedStore: ObjectStore {
        enum Flaw: CaseIterable {
            case none, lastWriterWins, racersWin, staleReads, wrongRanges, unordered, late,
                forbidden

            /// The check that must catch it.
            var check: String? {
                switch self {
                case .none: nil
                case .lastWriterWins: "put if absent"
                case .racersWin: "race of 16 writers"
                case .staleReads: "read after write"
                case .wrongRanges: "ranges"
                case .unordered: "list"
                case .late: "clock"
                case .forbidden: "credentials"
                }
            }
        }

        private let base = MemoryStore()
        private let flaw: Flaw
        private let first = Mutex<[ObjectKey: [UInt8]]>([:])

        init(_ flaw: Flaw) { self.flaw = flaw }

        var address: String { "test:" }

        func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8] {
            if flaw == .staleReads, let old = first.withLock({ $0[key] }), range == nil {
                return old
            }
            if flaw == .wrongRanges, let range {
                return try await base.get(key, range: 0..<UInt64(range.count))
            }
            return try await base.get(key, range: range)
        }

        func get(_ key: ObjectKey, ranges: [Range<UInt64>]) async throws(TesseraError) -> [[UInt8]]
        {
            try await base.get(key, ranges: ranges)
        }

        func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
            guard let info = try await base.head(key) else { return nil }
            let late = flaw == .late ? 4000.0 : 0
            return ObjectInfo(
                key: key, size: info.size, modified: info.modified.addingTimeInterval(late))
        }

        func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
            let listed = try await base.list(prefix: prefix)
            return flaw == .unordered ? listed.reversed() : listed
        }

        func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
            if flaw == .forbidden {
                throw TesseraError(.unavailable, "403 AccessDenied: no such luck")
            }
            first.withLock { if $0[key] == nil { $0[key] = bytes } }
            try await base.put(key, bytes)
        }

        func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
            let won = try await base.create(key, bytes)
            if flaw == .lastWriterWins, !won { try await base.put(key, bytes) }
            if flaw == .racersWin, key.contains("race"), bytes.first == 3 { return true }
            return flaw == .lastWriterWins || won
        }

        func delete(_ key: ObjectKey) async throws(TesseraError) { try await base.delete(key) }
    }

    @Test(arguments: FlawedStore.Flaw.allCases)
    func `each flaw is found by the check meant for it`(flaw: FlawedStore.Flaw) async throws {
        let store = FlawedStore(flaw)
        let report = await StoreDoctor(store, rounds: 3, bandwidthBytes: 1000).examine()
        #expect(report.isFit == (flaw == .none))
        let failed = report.checks.filter { $0.outcome == .failed }.map(\.name)
        #expect(failed.contains(flaw.check ?? "") == (flaw != .none), "\(failed)")
        #expect(try await store.list(prefix: "").isEmpty)
    }

    @Test func `a folder passes, and nothing stays in it`() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = FileStore(root: folder.path("store"))
        let report = await StoreDoctor(store, rounds: 5, bandwidthBytes: 100_000).examine()
        #expect(report.isFit, "\(report.checks)")
        #expect(report.roundTripMilliseconds != nil && report.readMegabytesPerSecond != nil)
        #expect(try await store.list(prefix: "").isEmpty)
        #expect(try await listIndexes(in: store).isEmpty)
    }
}
