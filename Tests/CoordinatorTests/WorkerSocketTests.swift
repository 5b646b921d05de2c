// Bytes that no coordinator sends may end their own connection; the worker serves on.
import Coordinator
import Foundation
import SearchProtocol
import SearchTypes
import SwiftProtobuf
import TesseraBase
import Testing
import VectorCore

struct WorkerSocketTests {
    private static let path = "/tessera.worker.v1.ShardWorker/Search"

    /// A search of the first lists of the first shards.
    private static func message(_ index: StoredIndex) throws -> WireSearchRequest {
        PartsRequest(
            index: StoredIndex.name, version: 1, k: 5, refineDepth: 50, timeout: nil,
            queries: index.queries.gathering([0]), transformed: nil,
            parts: [SearchPart(query: 0, shards: [0, 1, 0], lists: [0, 0, 1])]
        ).message
    }

    /// Sends `bytes`, closes the sending side, and reads until the worker closes.
    private static func exchange(_ bytes: [UInt8], _ worker: WorkerProcess) async throws -> [UInt8]
    {
        let wire = try Wire(port: worker.address.port)
        do {
            try await wire.send(bytes)
        } catch {
            // The worker closed before it had read all bytes.
            return []
        }
        wire.endSending()
        return try await wire.untilClosed()
    }

    /// The places in the answer to a whole call.
    private static func places(_ call: [UInt8], _ worker: WorkerProcess) async throws -> [UInt64] {
        let wire = try Wire(port: worker.address.port)
        try await wire.send(call)
        let received = try await wire.untilClosed { RawHTTP2.messages($0).count > 5 }
        // After gRPC's prefix: one byte, and four bytes of length.
        let message = Array(RawHTTP2.messages(received).dropFirst(5))
        return try WireSearchResponse(serializedBytes: message).places
    }

    @Test func `garbage, broken frames and mutated messages end at most their own connection`()
        async throws
    {
        let index = try await StoredIndex(queries: 20)
        let worker = try await index.startWorkers(1)[0]
        try await index.withBackend([worker]) { backend in
            var random = SeededRandom(seed: 31)
            let expected = try await backend.search(index.request()).map(\.answer.hits)
            let search: [UInt8] = try Self.message(index).serializedBytes()
            let good = RawHTTP2.begin + RawHTTP2.call(Self.path, message: search, stream: 1)
            let found = try await Self.places(good, worker)
            // The call that is mutated below is one that gets an answer.
            #expect(found.count == 5)
            for round in 0..<240 {
                var bytes: [UInt8]
                switch round % 3 {
                case 0:
                    bytes = (0..<Int.random(in: 1...400, using: &random)).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    }
                    if round.isMultiple(of: 2) { bytes = RawHTTP2.begin + bytes }
                case 1: bytes = Self.turned(good, &random)
                default:
                    let message = Self.turned(search, &random)
                    bytes =
                        RawHTTP2.begin + RawHTTP2.call(Self.path, message: message, stream: 1)
                }
                _ = try await Self.exchange(bytes, worker)
                if round.isMultiple(of: 40) {
                    let after = try await backend.search(index.request())
                    #expect(after.map(\.answer.hits) == expected)
                }
            }
            #expect(try await Self.places(good, worker) == found)
        }
        worker.send(SIGTERM)
        #expect(await worker.end() == 0)
    }

    /// `good` with a few bytes changed, removed or inserted.
    private static func turned(_ good: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = good
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: bytes.indices, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.removeSubrange(place..<min(bytes.count, place + 7))
            default: bytes.insert(contentsOf: [0xFF, 0x00, 0x7F], at: place)
            }
            if bytes.isEmpty { bytes = [0] }
        }
        return bytes
    }
}
