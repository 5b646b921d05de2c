// The calls to a worker beside searches, in the project's types.
import Foundation
import GRPCCore
import SearchProtocol
package import SearchTypes
package import TesseraBase
package import VectorCore

extension WorkerLink {
    /// Has the worker bring shards into its memory, and returns how many of them are there.
    ///
    /// - Throws: the worker's error; `unavailable` if it does not answer.
    package func prepare(index: String, version: Int, shards: [Int], timeout: Duration)
        async throws(TesseraError) -> Int
    {
        var message = Tessera_Worker_V1_PrepareRequest()
        message.index = index
        message.version = UInt32(clamping: version)
        message.shards = shards.map { UInt32(clamping: $0) }
        let answer = try await call { transport async throws(RPCError) in
            try await transport.prepare(message, timeout: timeout)
        }
        return Int(answer.residentShards)
    }

    /// The vector of an id; nil for an unknown id. Throws as
    /// ``prepare(index:version:shards:timeout:)``.
    package func vector(of id: String, index: String, version: Int, timeout: Duration)
        async throws(TesseraError) -> [Float]?
    {
        var message = Tessera_Worker_V1_LookupRequest()
        message.index = index
        message.version = UInt32(clamping: version)
        message.id = id
        let answer = try await call { transport async throws(RPCError) in
            try await transport.lookup(message, timeout: timeout)
        }
        guard answer.found else { return nil }
        let columns = max(1, answer.vector.count / 4)
        return try WireFloats.matrix(answer.vector, columns: columns, "a worker's vector").elements
    }

    /// The vectors of rows, `[places][dimension]`.
    ///
    /// - Throws: as ``prepare(index:version:shards:timeout:)``; `unsupported` also if the worker's
    ///   build does not know the call.
    package func vectors(
        at places: [NumericID], index: String, version: Int, dimension: Int, timeout: Duration
    ) async throws(TesseraError) -> Matrix {
        var message = Tessera_Worker_V1_VectorsRequest()
        message.index = index
        message.version = UInt32(clamping: version)
        message.places = places.map(\.rawValue)
        let answer = try await call { transport async throws(RPCError) in
            try await transport.vectors(message, timeout: timeout)
        }
        let vectors = try WireFloats.matrix(
            answer.vectors, columns: dimension, "a worker's vectors")
        guard vectors.rows == places.count else {
            throw TesseraError(
                .corrupted,
                "worker \(address) sent \(vectors.rows) of \(places.count) requested vectors")
        }
        return vectors
    }

    /// The counts of the worker's tiers; nil if it does not answer.
    package func tierReport(timeout: Duration) async -> TierReport? {
        let answer = try? await transport.statistics(timeout: timeout)
        return answer?.report(of: address.description)
    }

    /// Tells the worker that a version is no longer needed. A worker that cannot be told drops the
    /// version by itself after a while.
    package func retire(index: String, version: Int, timeout: Duration) async {
        var message = Tessera_Worker_V1_RetireRequest()
        message.index = index
        message.version = UInt32(clamping: version)
        try? await transport.retire(message, timeout: timeout)
    }

    private func call<Value>(
        _ ask: (any WorkerTransport) async throws(RPCError) -> Value
    ) async throws(TesseraError) -> Value {
        do throws(RPCError) {
            return try await ask(transport)
        } catch {
            throw TesseraError(worker: address.description, error)
        }
    }
}
