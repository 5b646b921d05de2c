// Publish, look, roll back: the day of an engineer, and what they are told when something is off.
import Catalog
import Foundation
import ObjectStore
import TesseraBase
import Testing

struct LifeCycleTests {
    @Test func `train, publish, publish again, roll back`() async throws {
        let bench = try Bench()
        let draft = try await bench.catalog.train("one")
        #expect(try await bench.catalog.drafts() == [draft])
        #expect(try await bench.catalog.draft(draft.id) == draft)
        let first = try await bench.catalog.publish()
        #expect(first.manifest.version == 1 && !first.alreadyPublished)
        #expect(first.manifest.draft == draft.id)
        #expect(try await bench.catalog.drafts().isEmpty)
        let second = try await bench.publish("two")
        #expect(try await bench.catalog.latest() == second)
        let third = try await bench.catalog.rollback(to: 1)
        #expect(third.version == 3 && third.kind == .rollback && third.rollbackOf == 1)
        #expect(third.index == first.manifest.index)
        #expect(try await bench.catalog.latest() == third)
        #expect(try await bench.catalog.latestVersionNumber() == 3)
        #expect(try await bench.catalog.manifest(2) == second)
        #expect(try await bench.catalog.versions().map(\.number) == [1, 2, 3])
        #expect(try await bench.catalog.verify(2).isSound)
        #expect(try await bench.keys("claims/").isEmpty)
        // The two share a router, and version 3 brought nothing new.
        #expect(try await bench.keys("shards/").count == 4)
        #expect(try await bench.keys("routers/").count == 1)
    }

    @Test func `what is missing is told with what exists`() async throws {
        let bench = try Bench()
        let unknown = await failure { _ = try await bench.catalog.latest() }
        #expect(unknown?.code == .notFound)
        for content in ["1", "2", "3", "4"] { _ = try await bench.publish(content) }
        let version = await failure { _ = try await bench.catalog.manifest(9) }
        #expect(version?.code == .notFound)
        #expect(version?.message.contains("index 'photos' has versions 1 to 4") == true)
        let other = try Catalog(
            store: bench.memory, index: IndexName("photo"), clock: bench.clock.wall)
        let index = await failure { _ = try await other.versions() }
        #expect(index?.code == .notFound)
        #expect(index?.message.contains("it has 'photos'") == true)
        let noDraft = await failure { _ = try await bench.catalog.publish() }
        #expect(noDraft?.code == .notFound && noDraft?.message.contains("run train") == true)
        let draft = await failure { _ = try await bench.catalog.publish(draftID: "nope") }
        #expect(draft?.code == .notFound && draft?.message.contains("nope") == true)
        let latest = await failure { _ = try await bench.catalog.rollback(to: 4) }
        #expect(latest?.code == .invalidArgument)
        #expect(try await listIndexes(in: bench.memory).map(\.text) == ["photos"])
    }

    @Test func `a draft that was published already gives its version`() async throws {
        let bench = try Bench()
        let draft = try await bench.catalog.train("one")
        let manifest = try await bench.catalog.publish().manifest
        // As after a kill between the create and the removal of the draft.
        try await bench.catalog.store.put("drafts/\(draft.id).json", draft.encoded())
        for id in [nil, draft.id] {
            let again = try await bench.catalog.publish(draftID: id)
            #expect(again.alreadyPublished && again.manifest == manifest)
            #expect(try await bench.catalog.drafts().isEmpty)
            guard id == nil else { continue }
            try await bench.catalog.store.put("drafts/\(draft.id).json", draft.encoded())
        }
        #expect(try await bench.catalog.publish(draftID: draft.id).alreadyPublished)
        #expect(try await bench.catalog.versions().count == 1)
    }

    enum Damage: CaseIterable { case missing, shorter, changed }

    @Test(arguments: Damage.allCases, ObjectKind.allCases)
    func `a damaged object is never published`(damage: Damage, kind: ObjectKind) async throws {
        let bench = try Bench()
        let draft = try await bench.catalog.saveDraft(bench.measured())
        let digest =
            switch kind {
            case .querySet: try #require(draft.index.queries).digest
            case .shard: draft.index.shards[1].digest
            case .router: draft.index.router.digest
            case .idTable: draft.index.idTables[0].digest
            }
        let key = kind.key(digest)
        let bytes = try await bench.catalog.store.get(key)
        switch damage {
        case .missing: try await bench.catalog.store.delete(key)
        case .shorter: try await bench.catalog.store.put(key, bytes.dropLast())
        case .changed: try await bench.catalog.store.put(key, bytes.dropLast() + [0])
        }
        let error = await failure { _ = try await bench.catalog.publish() }
        #expect(error?.code == .corrupted)
        #expect(error?.message.contains(key) == true)
        #expect(error?.message.contains("run train again") == true)
        #expect(try await bench.keys("versions/").isEmpty)
        // The mend is what the message says, no more.
        #expect(
            (error?.message.contains("delete what has changed") == true) == (damage == .changed))
        if damage == .changed { try await bench.catalog.store.delete(key) }
        _ = try await bench.catalog.saveDraft(bench.measured())
        #expect(try await bench.catalog.publish().manifest.version == 1)
    }

    @Test func `verify lists every problem, not only the first`() async throws {
        let bench = try Bench()
        let manifest = try await bench.publish("one")
        for shard in manifest.index.shards {
            try await bench.catalog.store.delete(ObjectKind.shard.key(shard.digest))
        }
        try await bench.catalog.store.put(
            ObjectKind.router.key(manifest.index.router.digest), Array("retour".utf8))
        let report = try await bench.catalog.verify(1)
        #expect(report.objects == 4)
        #expect(
            report.problems.map(\.kind).sorted { $0.rawValue < $1.rawValue }
                == [.missing, .missing, .wrongDigest])
    }

    @Test func `an unreadable latest version is an error, never an older one`() async throws {
        let bench = try Bench()
        _ = try await bench.publish("one")
        _ = try await bench.publish("two")
        try await bench.catalog.store.put("versions/0000000002.json", Array("{".utf8))
        let error = await failure { _ = try await bench.catalog.latest() }
        #expect(error?.code == .corrupted)
        #expect(error?.message.contains("versions/0000000002.json") == true)
        // The mend is a new version.
        #expect(try await bench.catalog.rollback(to: 1).version == 3)
        #expect(try await bench.catalog.latest().version == 3)
        #expect(
            await failure { _ = try await bench.catalog.collectGarbage(apply: true) }?.code
                == .corrupted)
    }

    @Test func `content that is there is not sent again until it is old`() async throws {
        let bench = try Bench()
        func age() async throws -> Date? {
            let digest = try await bench.catalog.putObject(.shard, [1, 2, 3])
            return try await bench.catalog.store.head(ObjectKind.shard.key(digest))?.modified
        }
        let first = try await age()
        bench.clock.advance(hours: 11)
        #expect(try await age() == first)
        bench.clock.advance(hours: 2)
        #expect(try await age() == bench.clock.wall.now())
    }

    @Test func `content of the latest version is not sent again at any age`() async throws {
        let bench = try Bench()
        let first = try await bench.publish("one")
        #expect(try await bench.catalog.heldByLatest().count == 4)
        bench.clock.advance(hours: 100)
        let held = try await bench.catalog.heldByLatest()
        let bytes = Array("shard 0 of one".utf8)
        let digest = try await bench.catalog.putObject(.shard, bytes, held: held)
        #expect(digest == first.index.shards[0].digest)
        let info = try await bench.catalog.store.head(ObjectKind.shard.key(digest))
        #expect(info?.modified == first.createdAt)
        _ = try await bench.publish("two")
        #expect(try await bench.catalog.heldByLatest().count == 4)
    }
}
