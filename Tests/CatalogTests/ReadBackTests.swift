// What a publish reads and what it takes as proved by the version before.
import Catalog
import Foundation
import ObjectStore
import Synchronization
import TesseraBase
import TestSupport
import Testing

/// Counts the reads of each object.
private final class CountingStore: StoreWrapper {
    let base: any ObjectStore
    private let reads = Mutex<[ObjectKey: Int]>([:])

    init(_ base: any ObjectStore) {
        self.base = base
    }

    /// The content-addressed objects read so far, ascending, without the index's folder.
    var objectsRead: [ObjectKey] {
        reads.withLock { reads in
            reads.keys.map { String($0.drop { $0 != "/" }.dropFirst()) }
                .filter { $0.hasSuffix(".tsr") }.sorted()
        }
    }

    func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8] {
        reads.withLock { $0[key, default: 0] += 1 }
        return try await base.get(key, range: range)
    }
}

struct ReadBackTests {
    /// A bench whose version 1 is older than all that follows.
    private func published() async throws -> (bench: Bench, first: Manifest) {
        let bench = try Bench()
        _ = try await bench.catalog.train("one")
        bench.clock.advance(hours: 1)
        let first = try await bench.catalog.publish().manifest
        bench.clock.advance(hours: 1)
        return (bench, first)
    }

    /// A draft of version 1's content with its second shard changed.
    private func republish(
        _ first: Manifest, in bench: Bench
    ) async throws -> (draft: Draft, shard: ObjectKey) {
        var index = first.index
        let bytes = Array("another shard".utf8)
        let digest = try await bench.catalog.putObject(.shard, bytes)
        index.shards[1] = ShardReference(
            digest: digest, bytes: UInt64(bytes.count), vectors: 5, lists: 2,
            open: ByteSpan(offset: 2, length: 4))
        return (try await bench.catalog.saveDraft(index), ObjectKind.shard.key(digest))
    }

    @Test func `a first publish reads everything`() async throws {
        let bench = try Bench()
        let draft = try await bench.catalog.train("one")
        let counting = CountingStore(bench.memory)
        _ = try await bench.catalog(over: counting).publish()
        #expect(counting.objectsRead == keys(of: draft.index))
    }

    @Test(arguments: [ReadBack.brought, .all])
    func `a republish reads the shard that changed`(readBack: ReadBack) async throws {
        let (bench, first) = try await published()
        let (draft, shard) = try await republish(first, in: bench)
        let counting = CountingStore(bench.memory)
        let publication = try await bench.catalog(over: counting).publish(readBack: readBack)
        #expect(publication.manifest.version == 2)
        switch readBack {
        case .brought: #expect(counting.objectsRead == [shard])
        case .all: #expect(counting.objectsRead == keys(of: draft.index))
        }
        try await bench.catalog.expectAllSound()
    }

    @Test(arguments: [ReadBack.brought, .all])
    func `a rollback reads nothing that its version proved`(readBack: ReadBack) async throws {
        let (bench, first) = try await published()
        _ = try await bench.publish("two")
        let counting = CountingStore(bench.memory)
        _ = try await bench.catalog(over: counting).rollback(to: 1, readBack: readBack)
        switch readBack {
        case .brought: #expect(counting.objectsRead.isEmpty)
        case .all: #expect(counting.objectsRead == keys(of: first.index))
        }
    }

    @Test func `damage to an inherited object is found by reading all`() async throws {
        let (bench, first) = try await published()
        _ = try await republish(first, in: bench)
        let key = ObjectKind.shard.key(first.index.shards[0].digest)
        let bytes = try await bench.catalog.store.get(key)
        // At the time of the first build: damage on the disk leaves no newer time.
        let store = FrozenStore(
            base: bench.memory, key: "photos/\(key)", bytes: bytes.dropLast() + [0])
        let error = await failure {
            _ = try await bench.catalog(over: store).publish(readBack: .all)
        }
        #expect(error?.code == .corrupted && error?.message.contains(key) == true)
        #expect(try await bench.catalog.versions().count == 1)
    }

    @Test(arguments: ObjectKind.allCases.filter { $0 != .querySet }, [false, true])
    func `a missing or shorter inherited object is always found`(
        kind: ObjectKind, isMissing: Bool
    ) async throws {
        let (bench, first) = try await published()
        _ = try await republish(first, in: bench)
        let digest =
            switch kind {
            case .shard: first.index.shards[0].digest
            case .idTable: first.index.idTables[0].digest
            default: first.index.router.digest
            }
        let key = kind.key(digest)
        let bytes = try await bench.catalog.store.get(key)
        if isMissing {
            try await bench.catalog.store.delete(key)
        } else {
            try await bench.catalog.store.put(key, bytes.dropLast())
        }
        for work in [
            { _ = try await bench.catalog.publish() },
            {
                _ = try await bench.publish("two")
                _ = try await bench.catalog.rollback(to: 1)
            },
        ] {
            // Both name it, except where a build in between stored the shared router again.
            let error = await failure(work)
            guard kind != .router || error != nil else { continue }
            #expect(error?.code == .corrupted && error?.message.contains(key) == true)
        }
    }

    @Test func `an object stored anew since its version is read again`() async throws {
        let (bench, first) = try await published()
        let (_, shard) = try await republish(first, in: bench)
        let key = ObjectKind.shard.key(first.index.shards[0].digest)
        let bytes = try await bench.catalog.store.get(key)
        try await bench.catalog.store.put(key, bytes.dropLast() + [0])
        let error = await failure { _ = try await bench.catalog.publish() }
        #expect(error?.code == .corrupted && error?.message.contains(key) == true)
        try await bench.catalog.store.put(key, bytes)
        let counting = CountingStore(bench.memory)
        _ = try await bench.catalog(over: counting).publish()
        #expect(counting.objectsRead == [key, shard].sorted())
    }

    private func keys(of index: IndexDescription) -> [ObjectKey] {
        ([ObjectKind.router.key(index.router.digest)]
            + index.idTables.map { ObjectKind.idTable.key($0.digest) }
            + index.shards.map { ObjectKind.shard.key($0.digest) }).sorted()
    }
}

/// Reads other bytes for one object, whose size and time stay.
private struct FrozenStore: StoreWrapper {
    let base: any ObjectStore
    let key: ObjectKey
    let bytes: [UInt8]

    func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8] {
        guard key == self.key else { return try await base.get(key, range: range) }
        return range.map { Array(bytes[Int($0.lowerBound)..<Int($0.upperBound)]) } ?? bytes
    }
}
