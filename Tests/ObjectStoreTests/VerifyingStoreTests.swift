// Whole objects match the digest they are named by.
import ObjectStore
import TesseraBase
import Testing

struct VerifyingStoreTests {
    private static let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 13 >> 2) }
    private static let key = "shards/\(ContentDigest(of: bytes).hex).tsr"

    private func store(_ script: [Step]) async throws -> (VerifyingStore, ScriptedStore) {
        let base = ScriptedStore(script, clock: TestClock())
        try await base.base.put(Self.key, Self.bytes)
        return (VerifyingStore(base), base)
    }

    @Test func `a sound object is read once`() async throws {
        let (store, base) = try await store([])
        #expect(try await store.get(Self.key) == Self.bytes)
        #expect(base.requests.count == 1)
    }

    @Test func `a flipped bit is read once more, past all copies`() async throws {
        let (store, base) = try await store([.flip])
        #expect(try await store.get(Self.key) == Self.bytes)
        let get = "get \(Self.key)"
        #expect(base.requests == [get, "invalidate \(Self.key)", get])
    }

    @Test func `an object that stays damaged is corrupted, and named`() async throws {
        let (store, base) = try await store([.flip, .flip])
        let error = await failure { _ = try await store.get(Self.key) }
        #expect(error?.code == .corrupted)
        #expect(error?.message.contains(Self.key) == true)
        #expect(error?.message.contains("test://bucket") == true)
        #expect(base.requests.count == 3)
    }

    @Test func `a truncated object is corrupted`() async throws {
        let memory = MemoryStore()
        try await memory.put(Self.key, Array(Self.bytes.dropLast()))
        let store = VerifyingStore(memory)
        #expect(await failure { _ = try await store.get(Self.key) }?.code == .corrupted)
    }

    @Test func `a failure of the second reading is what is thrown`() async throws {
        let (store, _) = try await store([.flip, .fail(.denied)])
        let error = await failure { _ = try await store.get(Self.key) }
        #expect(error?.message.contains("403") == true)
    }

    @Test(arguments: [
        "versions/1.json", "shards/abc.tsr", "\(String(repeating: "F", count: 64)).tsr",
    ])
    func `keys that promise no digest are not checked`(key: String) async throws {
        let memory = MemoryStore()
        try await memory.put(key, [1])
        #expect(try await VerifyingStore(memory).get(key) == [1])
    }

    @Test func `ranges are left to the format's checksums`() async throws {
        let (store, base) = try await store([.flip])
        let part = try await store.get(Self.key, range: 0..<100)
        #expect(part != Array(Self.bytes[..<100]))
        #expect(base.requests.count == 1)
    }
}
