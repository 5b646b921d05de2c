// A worker's answers for given lists, and its robustness against any message.
import Catalog
import Foundation
import ObjectStore
import Search
import SearchFixtures
import SearchProtocol
import SearchTypes
import SwiftProtobuf
import TesseraBase
import TestSupport
import Testing
import VectorCore
import Worker

/// A worker in this process, over a small index.
private struct ServiceFixture {
    let store = MemoryStore()
    let fixture: SearchFixture
    let versions: WorkerVersions
    let service: ShardWorkerService

    init(limit: Int = 64, _ plan: IndexPlan = IndexPlan()) async throws {
        fixture = try await SearchFixture(
            RandomVectors.clustered(rows: 1500, columns: 16, clusters: 12, seed: 3), plan,
            store: store)
        versions = WorkerVersions(
            store: store, pool: WorkPool(width: 2),
            cache: ShardCache(budget: 64 << 20, pool: WorkPool(width: 2)))
        service = ShardWorkerService(versions: versions, limit: limit)
    }

    /// Brings all shards into memory; returns their number.
    func prepare(version: UInt32 = 1) async throws -> Int {
        var message = Tessera_Worker_V1_PrepareRequest()
        message.index = "photos"
        message.version = version
        message.shards = (0..<fixture.manifest.index.shards.count).map { UInt32($0) }
        return Int(try await service.prepare(message).residentShards)
    }

    var shardsHeld: Int { versions.cache.statistics.shards }

    /// A request for every list of every shard, with one leaf request per query.
    func request(queries: Int = 4, k: Int = 5, isShared: Bool = false) -> PartsRequest {
        var part = SearchPart(query: 0)
        for (shard, reference) in fixture.manifest.index.shards.enumerated() {
            for list in 0..<reference.lists {
                part.shards.append(UInt32(shard))
                part.lists.append(UInt32(list))
            }
        }
        let parts = (0..<queries).map { query in
            SearchPart(
                query: query, shards: part.shards, lists: part.lists, isShared: isShared)
        }
        return PartsRequest(
            index: "photos", version: 1, k: k, refineDepth: 1500, timeout: nil,
            queries: fixture.vectors.gathering(Array(0..<queries)), transformed: nil, parts: parts)
    }
}

struct ShardWorkerServiceTests {
    @Test func `every list scanned finds what an exact search finds`() async throws {
        let fixture = try await ServiceFixture()
        let request = fixture.request(queries: 20)
        let response = try await fixture.service.search(request.message)
        let answers = try response.answers(
            to: request.parts, k: request.k, refineDepth: request.refineDepth)
        let truth = ExactSearch.nearest(
            request.queries, in: fixture.fixture.vectors, k: 5, metric: .l2)
        let found = answers.map { answer in
            answer.answer.hits.compactMap { Int($0.id.dropFirst()) }
        }
        // The remainder is the rounding of 8-bit refine rows.
        #expect(ExactSearch.recall(found, truth) >= 0.95)
        // Nothing was in memory before the first search.
        #expect(answers.contains { $0.source != .ram })
        let prepared = try await fixture.prepare()
        #expect(prepared == fixture.fixture.manifest.index.shards.count)
        let again = try await fixture.service.search(request.message)
        let warm = try again.answers(
            to: request.parts, k: request.k, refineDepth: request.refineDepth)
        #expect(warm.map(\.answer.hits) == answers.map(\.answer.hits))
        #expect(warm.allSatisfy { $0.source == .ram })
    }

    @Test func `a request that does not fit the index is refused`() async throws {
        let fixture = try await ServiceFixture()
        let good = fixture.request(queries: 2)
        var wrong: [PartsRequest] = []
        func vary(_ change: (inout PartsRequest) -> Void) {
            var request = good
            change(&request)
            wrong.append(request)
        }
        vary { $0.queries = Matrix(rows: 2, columns: 15) }
        vary { $0.transformed = Matrix(rows: 2, columns: 16) }
        vary { $0.parts[0].shards[0] = 1 << 20 }
        vary { $0.parts[1].lists[0] = .max }
        vary { $0.parts[1].query = 2 }
        vary { $0.k = 0 }
        vary { $0.k = WireLimits.k + 1 }
        vary { $0.refineDepth = WireLimits.refineDepth + 1 }
        vary { $0.parts[0].shards.removeLast() }
        vary { $0.queries.elements[3] = .nan }
        vary { $0.index = "../photos" }
        for request in wrong {
            let error = await #expect(throws: TesseraError.self) {
                try await fixture.service.search(request.message)
            }
            #expect(error?.code == .invalidArgument)
        }
        var missing = good
        missing.version = 7
        let error = await #expect(throws: TesseraError.self) {
            try await fixture.service.search(missing.message)
        }
        #expect(error?.code == .notFound)
    }

    @Test func `a deadline that has passed is no answer`() async throws {
        let fixture = try await ServiceFixture()
        var request = fixture.request()
        request.timeout = .microseconds(1)
        let error = await #expect(throws: TesseraError.self) {
            try await fixture.service.search(request.message)
        }
        #expect(error?.code == .unavailable)
    }

    @Test func `above the limit a search is refused`() async throws {
        let fixture = try await ServiceFixture(limit: 0)
        let error = await #expect(throws: TesseraError.self) {
            try await fixture.service.search(fixture.request().message)
        }
        #expect(error?.code == .resourceExhausted)
    }

    @Test func `bytes and fields turned at random fail their own call and nothing else`()
        async throws
    {
        let fixture = try await ServiceFixture()
        let message = fixture.request(queries: 3, isShared: true).message
        let good: [UInt8] = try message.serializedBytes()
        let expected = try await fixture.service.search(message)
        var random = SeededRandom(seed: 20)
        var decoded = 0
        for round in 0..<3000 {
            var bytes = good
            for _ in 0...round % 4 {
                let place = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + 5))
                case 2: bytes.insert(contentsOf: [0xFF, 0xFF, 0x7F], at: place)
                default: bytes[place % 64] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            guard let turned = try? WireSearchRequest(serializedBytes: bytes) else { continue }
            decoded += 1
            _ = try? await fixture.service.search(turned)
            if let answer = try? WireSearchResponse(serializedBytes: bytes) {
                _ = try? answer.answers(
                    to: fixture.request(queries: 3, isShared: true).parts, k: 5, refineDepth: 1500)
            }
        }
        #expect(decoded > 100)
        let after = try await fixture.service.search(message)
        #expect(after.places == expected.places && after.distances == expected.distances)
    }

    @Test func `an answer that does not fit what was asked is not believed`() async throws {
        let fixture = try await ServiceFixture()
        let request = fixture.request()
        let good = try await fixture.service.search(request.message)
        func expectCorrupted(_ change: (inout WireSearchResponse) -> Void) {
            var answer = good
            change(&answer)
            let error = #expect(throws: TesseraError.self) {
                try answer.answers(
                    to: request.parts, k: request.k, refineDepth: request.refineDepth)
            }
            #expect(error?.code == .corrupted)
        }
        expectCorrupted { $0.partHits.removeLast() }
        expectCorrupted { $0.partHits[0] = .max }
        expectCorrupted { $0.places.removeLast() }
        expectCorrupted { $0.ids.append("v0") }
        expectCorrupted { $0.costs = [] }
        expectCorrupted { $0.places[0] = 999 << 32 }
        expectCorrupted { $0.distances[1] = .nan }
    }

    @Test func `a shared part tells what it takes to cut it, from memory and from the store alike`()
        async throws
    {
        let fixture = try await ServiceFixture()
        let request = fixture.request(queries: 20, isShared: true)
        func search(_ message: WireSearchRequest) async throws -> [PartAnswer] {
            try await fixture.service.search(message).answers(
                to: request.parts, k: request.k, refineDepth: request.refineDepth)
        }
        let cold = try await search(request.message)
        _ = try await fixture.prepare()
        let warm = try await search(request.message)
        #expect(warm.map(\.answer.hits) == cold.map(\.answer.hits))
        #expect(warm.map(\.estimates) == cold.map(\.estimates))
        let plain = try await search(fixture.request(queries: 20).message)
        for (shared, plain) in zip(warm, plain) {
            let estimates = try #require(shared.estimates)
            #expect(Array(shared.answer.hits.prefix(request.k)) == plain.answer.hits)
            #expect(estimates.candidates.count == shared.answer.receipt.rowsRefined)
            #expect(estimates.candidates == estimates.candidates.sorted())
            #expect(Set(estimates.hits).isSubset(of: estimates.candidates))
            // Whatever the cut, enough candidates are left.
            for number in [0, 2, request.k - 1, 50, estimates.candidates.count - 1] {
                let limit = estimates.candidates[number]
                #expect(estimates.hits.count { $0 <= limit } >= min(number + 1, request.k))
            }
            // Also the answer of a worker whose build does not know estimates.
            #expect(plain.estimates == nil)
        }
    }

    @Test func `estimates that cannot be cut by are not believed`() async throws {
        let fixture = try await ServiceFixture()
        let request = fixture.request(isShared: true)
        let good = try await fixture.service.search(request.message)
        func expectCorrupted(depth: Int = 1500, _ change: (inout WireSearchResponse) -> Void) {
            var answer = good
            change(&answer)
            let error = #expect(throws: TesseraError.self) {
                try answer.answers(to: request.parts, k: request.k, refineDepth: depth)
            }
            #expect(error?.code == .corrupted)
        }
        expectCorrupted { $0.partCandidates.removeLast() }
        expectCorrupted { $0.partCandidates[0] = .max }
        expectCorrupted { $0.candidateEstimates.removeLast() }
        expectCorrupted { $0.candidateEstimates.swapAt(0, 1) }
        expectCorrupted { $0.candidateEstimates[3] = .nan }
        expectCorrupted { $0.hitEstimates.removeLast() }
        expectCorrupted { $0.hitEstimates[0] = .nan }
        expectCorrupted(depth: 20) { _ in }
        // Without candidates, at most as many hits as requested.
        expectCorrupted { answer in
            answer.partCandidates = []
            answer.candidateEstimates = []
            answer.hitEstimates = []
            answer.partHits = [UInt32(request.k + 1), 0, 0, 0]
            answer.places.removeSubrange((request.k + 1)...)
            answer.distances.removeSubrange((request.k + 1)...)
            answer.ids.removeSubrange((request.k + 1)...)
        }
        let error = await #expect(throws: TesseraError.self) {
            var message = request.message
            message.partIsShared.removeLast()
            _ = try await fixture.service.search(message)
        }
        #expect(error?.code == .invalidArgument)
    }

    @Test func `unused versions and their shards are closed`() async throws {
        let fixture = try await ServiceFixture()
        // Built again from the same vectors: version 2, of the same objects.
        let second = try await SearchFixture(
            fixture.fixture.vectors, IndexPlan(), store: fixture.store)
        #expect(second.manifest.version == 2)
        var request = fixture.request()
        request.version = 2
        _ = try await fixture.prepare(version: 1)
        _ = try await fixture.prepare(version: 2)
        let shards = fixture.fixture.manifest.index.shards.count
        // The content is the same, so each shard is held once.
        #expect(fixture.versions.count == 2 && fixture.shardsHeld == shards)
        let now = SteadyClock.system.now()
        #expect(fixture.versions.sweep(at: now + .seconds(60)) == 0)
        fixture.versions.retire(1, of: "photos", at: now)
        #expect(fixture.versions.sweep(at: now + .seconds(60)) == 1)
        #expect(fixture.versions.count == 1 && fixture.shardsHeld == shards)
        #expect(fixture.versions.sweep(at: now + .seconds(1000)) == 1)
        // A lease ends with its task, which may outlive the answer by a moment.
        for _ in 0..<1000 where fixture.shardsHeld > 0 {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(fixture.shardsHeld == 0)
        _ = try await fixture.service.search(request.message)
        #expect(fixture.versions.count == 1)
    }

    @Test func `no more is held than there is room for, and the answers stay`() async throws {
        let fixture = try await ServiceFixture()
        let largest = fixture.fixture.manifest.index.shards.map(\.bytes).max() ?? 0
        let cache = ShardCache(budget: 2 * Int(largest), pool: WorkPool(width: 2))
        let versions = WorkerVersions(
            store: fixture.store, pool: WorkPool(width: 2), cache: cache)
        let small = ShardWorkerService(versions: versions, limit: 4)
        let request = fixture.request()
        _ = try await fixture.prepare()
        let whole = try await fixture.service.search(request.message)
        let tight = try await small.search(request.message)
        #expect(tight.places == whole.places && tight.distances == whole.distances)
        let statistics = cache.statistics
        #expect(statistics.bytes <= statistics.budget)
        #expect(statistics.shards < fixture.fixture.manifest.index.shards.count)
    }
}
