// A small index to publish, a clock to turn, and a store that fails on command.
import Catalog
import Foundation
import ObjectStore
import Synchronization
import TesseraBase
import Testing

/// A clock that only moves when told.
final class ManualClock: Sendable {
    private let time = Mutex(Date(timeIntervalSince1970: 1_800_000_000))

    var wall: WallClock { WallClock { self.time.withLock { $0 } } }

    func advance(hours: Double) {
        time.withLock { $0 += hours * 3600 }
    }
}

/// A catalog over a memory store under a manual clock.
struct Bench {
    let clock: ManualClock
    let memory: MemoryStore
    let catalog: Catalog

    init() throws {
        clock = ManualClock()
        memory = MemoryStore(clock: clock.wall)
        catalog = try Catalog(store: memory, index: IndexName("photos"), clock: clock.wall)
    }

    /// The same index through another store.
    func catalog(over store: any ObjectStore) throws -> Catalog {
        try Catalog(store: store, index: IndexName("photos"), clock: clock.wall)
    }

    /// Builds, drafts and publishes.
    func publish(_ content: String) async throws -> Manifest {
        _ = try await catalog.train(content)
        return try await catalog.publish().manifest
    }

    func keys(_ folder: String) async throws -> [String] {
        try await catalog.store.list(prefix: folder).map(\.key)
    }
}

extension Catalog {
    /// Stores a router, an id table and two shards made from `content`; the router is the same for all.
    func store(_ content: String) async throws -> IndexDescription {
        let router = try await putObject(.router, Array("router".utf8))
        let table = Array("table \(content)".utf8)
        let idTable = try await putObject(.idTable, table)
        var shards: [ShardReference] = []
        for ordinal in 0..<2 {
            let bytes = Array("shard \(ordinal) of \(content)".utf8)
            shards.append(
                ShardReference(
                    digest: try await putObject(.shard, bytes), bytes: UInt64(bytes.count),
                    vectors: 5, lists: 2, open: ByteSpan(offset: 2, length: 4)))
        }
        return describe(
            router: ObjectReference(digest: router, bytes: 6),
            idTables: [
                IDTableReference(digest: idTable, bytes: UInt64(table.count), entries: 10)
            ], shards: shards)
    }

    func train(_ content: String) async throws -> Draft {
        try await saveDraft(store(content))
    }

    private func describe(
        router: ObjectReference, idTables: [IDTableReference], shards: [ShardReference]
    ) -> IndexDescription {
        IndexDescription(
            name: index.text, metric: "l2", dimension: 4, elementType: "f32", vectors: 10,
            backend: BackendDescription(name: "mock", version: "1"), seed: UInt64.max,
            inputDigest: ContentDigest(of: [1]), partition: "cells", shardSize: 5,
            quantizer: QuantizerDescription(
                subquantizers: 2, subdimension: 2, bits: 4, rotation: false),
            refine: "sq8", search: SearchDefaults(nprobe: 2, refineDepth: 10, probeShards: 1),
            rules: ["nprobe": "all"], router: router, idTables: idTables, shards: shards)
    }

    /// Every visible version is complete: the invariant that no kill may break.
    func expectAllSound(_ note: String = "") async throws {
        for number in try await store.list(prefix: "versions/").indices.map({ $0 + 1 }) {
            guard let report = try? await verify(number) else {
                let error = await failure { _ = try await manifest(number) }
                #expect(error?.code == .notFound, "version \(number) \(note)")
                continue
            }
            #expect(report.isSound, "version \(number) \(note): \(report.problems)")
        }
    }
}

/// The error of `work`, which must be a TesseraError.
func failure(_ work: () async throws -> Void) async -> TesseraError? {
    do {
        try await work()
        return nil
    } catch {
        return error as? TesseraError
    }
}

/// Passes everything on until a writing or reading call is due to fail; from then on all fail, as after a kill.
struct FaultyStore: ObjectStore {
    enum Fault: Sendable {
        /// The call and all after it do nothing and throw.
        case killBefore
        /// The call takes effect, then it and all after it throw.
        case killAfter
        /// Only creates fail, after taking effect: their answer is lost.
        case loseCreate
        /// Only creates fail, without effect.
        case refuseCreate
    }

    let base: any ObjectStore
    let fault: Fault
    /// Calls that still work.
    let remaining: SharedCounter

    init(_ base: any ObjectStore, _ fault: Fault, after calls: Int = 0) {
        self.base = base
        self.fault = fault
        remaining = SharedCounter(calls)
    }

    var address: String { base.address }
    /// Whether the fault came to pass.
    var hasFailed: Bool { remaining.value < 0 }

    private static var broken: TesseraError { TesseraError(.unavailable, "the store broke") }

    private func run<Value>(
        isCreate: Bool = false, _ call: () async throws(TesseraError) -> Value
    ) async throws(TesseraError) -> Value {
        switch fault {
        case .loseCreate, .refuseCreate:
            guard isCreate else { return try await call() }
            if fault == .loseCreate { _ = try await call() }
            throw Self.broken
        case .killBefore, .killAfter:
            let left = remaining.decrement()
            if left > 0 { return try await call() }
            if left == 0, fault == .killAfter { _ = try await call() }
            throw Self.broken
        }
    }

    func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8] {
        try await run { () throws(TesseraError) in try await base.get(key, range: range) }
    }

    func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        try await run { () throws(TesseraError) in try await base.get(key, ranges: ranges) }
    }

    func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        try await run { () throws(TesseraError) in try await base.head(key) }
    }

    func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try await run { () throws(TesseraError) in try await base.list(prefix: prefix) }
    }

    func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        try await run { () throws(TesseraError) in try await base.put(key, bytes) }
    }

    func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        try await run(isCreate: true) { () throws(TesseraError) in
            try await base.create(key, bytes)
        }
    }

    func delete(_ key: ObjectKey) async throws(TesseraError) {
        try await run { () throws(TesseraError) in try await base.delete(key) }
    }
}

/// A counter that threads share.
final class SharedCounter: Sendable {
    private let count: Mutex<Int>

    init(_ count: Int) {
        self.count = Mutex(count)
    }

    var value: Int { count.withLock { $0 } }

    /// The value before.
    func decrement() -> Int {
        count.withLock {
            $0 -= 1
            return $0 + 1
        }
    }
}

/// Runs something once, at the first read of a key with a prefix: another process in the middle of ours.
struct InterruptedStore: ObjectStore {
    let base: any ObjectStore
    let prefix: String
    let once = SharedCounter(1)
    let interrupt: @Sendable () async throws -> Void

    var address: String { base.address }

    func get(_ key: ObjectKey, range: Range<UInt64>?) async throws(TesseraError) -> [UInt8] {
        if key.hasPrefix(prefix), once.decrement() == 1 {
            do { try await interrupt() } catch { throw TesseraError(.unavailable, "interrupt", cause: error) }
        }
        return try await base.get(key, range: range)
    }

    func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] { try await base.get(key, ranges: ranges) }

    func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        try await base.head(key)
    }

    func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try await base.list(prefix: prefix)
    }

    func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        try await base.put(key, bytes)
    }

    func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        try await base.create(key, bytes)
    }

    func delete(_ key: ObjectKey) async throws(TesseraError) { try await base.delete(key) }
}
