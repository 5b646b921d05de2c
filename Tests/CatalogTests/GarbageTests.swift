// What collection may take, and what it must never take.
import Catalog
import Foundation
import ObjectStore
import TesseraBase
import TestSupport
import Testing

struct GarbageTests {
    @Test func `old versions become tombstones and their own objects go`() async throws {
        let bench = try Bench()
        for content in ["1", "2", "3", "4"] {
            _ = try await bench.publish(content)
            bench.clock.advance(hours: 48)
        }
        let plan = try await bench.catalog.collectGarbage(keep: 2, apply: false)
        #expect(try await bench.keys("shards/").count == 8)
        let report = try await bench.catalog.collectGarbage(keep: 2, apply: true)
        #expect(!plan.applied && report.applied)
        for found in [plan, report] {
            #expect(found.collectedVersions == [1, 2])
            #expect(found.retainedVersions == [3, 4])
            #expect(found.objects.count == 6)
            #expect(found.bytes == found.objects.reduce(0) { $0 + $1.size })
        }
        #expect(plan.objects == report.objects)
        #expect(try await bench.keys("shards/").count == 4)
        #expect(try await bench.keys("routers/").count == 1)
        #expect(try await bench.catalog.verify(3).isSound)
        let error = await failure { _ = try await bench.catalog.manifest(1) }
        #expect(error?.code == .notFound && error?.message.contains("was collected") == true)
        #expect(error?.message.contains("has versions 3 to 4") == true)
        #expect(await failure { _ = try await bench.catalog.rollback(to: 2) }?.code == .notFound)
        let again = try await bench.catalog.collectGarbage(keep: 2, apply: true)
        #expect(again.collectedVersions.isEmpty && again.objects.isEmpty)
    }

    @Test func `numbers of collected versions are not used again`() async throws {
        let bench = try Bench()
        for content in ["1", "2"] {
            _ = try await bench.publish(content)
            bench.clock.advance(hours: 48)
        }
        _ = try await bench.catalog.collectGarbage(keep: 1, apply: true)
        let states = try await bench.catalog.versions()
        #expect(states.map(\.number) == [1, 2])
        #expect(states[0].manifest == nil && states[1].manifest != nil)
        // A writer that stalled before creating version 1 still loses.
        #expect(try await bench.catalog.store.create("versions/0000000001.json", [1]) == false)
        #expect(try await bench.publish("3").version == 3)
    }

    @Test func `a version that was just replaced stays for the grace period`() async throws {
        let bench = try Bench()
        _ = try await bench.publish("1")
        bench.clock.advance(hours: 1000)
        _ = try await bench.publish("2")
        bench.clock.advance(hours: 23)
        #expect(
            try await bench.catalog.collectGarbage(keep: 1, apply: true).collectedVersions.isEmpty)
        bench.clock.advance(hours: 2)
        #expect(
            try await bench.catalog.collectGarbage(keep: 1, apply: true).collectedVersions == [1])
        bench.clock.advance(hours: 1000)
        #expect(
            try await bench.catalog.collectGarbage(keep: 1, apply: true).retainedVersions == [2])
    }

    @Test func `young drafts hold their objects, old ones let them go`() async throws {
        let bench = try Bench()
        _ = try await bench.publish("1")
        bench.clock.advance(hours: 48)
        _ = try await bench.catalog.store("2")
        bench.clock.advance(hours: 30)
        // The build was slow: the objects are old, the draft is young.
        let description = try await bench.catalog.manifest(1).index
        let draft = try await bench.catalog.train("2")
        bench.clock.advance(hours: 23)
        #expect(try await bench.catalog.collectGarbage(apply: true).objects.isEmpty)
        bench.clock.advance(hours: 2)
        let report = try await bench.catalog.collectGarbage(apply: true)
        #expect(report.expiredDrafts == [draft.id])
        #expect(report.objects.count == 3)
        #expect(try await bench.catalog.verify(1).isSound)
        #expect(try await bench.catalog.manifest(1).index == description)
        #expect(
            await failure { _ = try await bench.catalog.publish(draftID: draft.id) }?.code
                == .notFound)
    }

    @Test func `objects no draft names yet are safe while young`() async throws {
        let bench = try Bench()
        _ = try await bench.publish("1")
        _ = try await bench.catalog.store("2")
        bench.clock.advance(hours: 23)
        #expect(try await bench.catalog.collectGarbage(apply: true).objects.isEmpty)
        bench.clock.advance(hours: 2)
        #expect(try await bench.catalog.collectGarbage(apply: true).objects.count == 3)
    }

    /// Collection runs in the middle of a publish of an old draft, and of a rollback to an old
    /// version.
    @Test(arguments: [false, true])
    func `a collection beside a publish or rollback takes nothing it names`(
        isRollback: Bool
    ) async throws {
        let bench = try Bench()
        for content in ["1", "2"] {
            _ = try await bench.publish(content)
            bench.clock.advance(hours: 48)
        }
        let draft = try await bench.catalog.train("3")
        bench.clock.advance(hours: 48)
        let store = InterruptedStore(base: bench.memory, prefix: "photos/shards/") {
            let report = try await bench.catalog.collectGarbage(keep: 1, apply: true)
            #expect(report.expiredDrafts == [draft.id] && report.collectedVersions == [1])
        }
        let catalog = try bench.catalog(over: store)
        if isRollback {
            #expect(try await catalog.rollback(to: 1).version == 3)
        } else {
            #expect(try await catalog.publish(draftID: draft.id).manifest.version == 3)
        }
        #expect(store.once.value < 1)
        try await bench.catalog.expectAllSound()
        #expect(try await bench.keys("claims/").isEmpty)
    }

    @Test func `what a killed publish claimed is let go after a day`() async throws {
        let bench = try Bench()
        _ = try await bench.publish("1")
        let draft = try await bench.catalog.train("2")
        try await bench.catalog.store.put("claims/dead.json", draft.encoded())
        try await bench.catalog.discardDraft(draft.id)
        bench.clock.advance(hours: 2)
        #expect(
            try await bench.catalog.collectGarbage(grace: .seconds(60), apply: true).objects.isEmpty
        )
        bench.clock.advance(hours: 24)
        let report = try await bench.catalog.collectGarbage(grace: .seconds(60), apply: true)
        #expect(report.expiredClaims == 1 && report.objects.count == 3)
    }

    @Test func `files that are not the catalog's stay`() async throws {
        let bench = try Bench()
        _ = try await bench.publish("1")
        let strangers = ["shards/README", "shards/x.tsr", "notes/a"]
        for key in strangers { try await bench.catalog.store.put(key, [1]) }
        bench.clock.advance(hours: 1000)
        _ = try await bench.catalog.collectGarbage(apply: true)
        for key in strangers { #expect(try await bench.catalog.store.head(key) != nil) }
    }

    @Test func `an unreadable young draft stops everything`() async throws {
        let bench = try Bench()
        _ = try await bench.publish("1")
        _ = try await bench.catalog.store("2")
        bench.clock.advance(hours: 48)
        try await bench.catalog.store.put("drafts/broken.json", Array("{}".utf8))
        let error = await failure { _ = try await bench.catalog.collectGarbage(apply: true) }
        #expect(error?.code == .corrupted && error?.message.contains("drafts/broken.json") == true)
        #expect(try await bench.keys("shards/").count == 4)
        bench.clock.advance(hours: 48)
        #expect(try await bench.catalog.collectGarbage(apply: true).objects.count == 3)
    }

    @Test func `stale temporary files on a disk go too`() async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = FileStore(root: folder.path("store"))
        let later = WallClock.fixed(Date(timeIntervalSinceNow: 48 * 3600))
        let catalog = try Catalog(store: store, index: IndexName("photos"), clock: later)
        _ = try await catalog.train("1")
        let leftover = folder.path("store/photos/shards/.tessera-1-x.tmp")
        try Data([1, 2]).write(to: URL(filePath: leftover))
        #expect(try await catalog.collectGarbage(apply: false).temporaryFiles.map(\.size) == [2])
        _ = try await catalog.collectGarbage(apply: true)
        #expect(!FileManager.default.fileExists(atPath: leftover))
    }

    @Test func `keeping nothing is refused, an unknown index is told`() async throws {
        let bench = try Bench()
        _ = try await bench.publish("1")
        #expect(
            await failure { _ = try await bench.catalog.collectGarbage(keep: 0, apply: true) }?.code
                == .invalidArgument)
        #expect(
            await failure {
                _ = try await bench.catalog.collectGarbage(grace: .seconds(-1), apply: true)
            }?.code == .invalidArgument)
        let other = try Catalog(store: bench.memory, index: IndexName("other"))
        #expect(
            await failure { _ = try await other.collectGarbage(apply: true) }?.code == .notFound)
    }
}
