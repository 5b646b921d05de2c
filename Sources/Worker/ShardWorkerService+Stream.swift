// The streaming search RPC: many searches over one call, each answered as soon as it is ready.
//
// Invariant: a call has at most as many searches under way as the service admits. Further messages
// stay unread, so that flow control slows the caller down.
package import GRPCCore
package import SearchProtocol
import TesseraBase

extension ShardWorkerService {
    package func searchMany(
        request: RPCAsyncSequence<Tessera_Worker_V1_NumberedSearch, any Error>,
        response: RPCWriter<Tessera_Worker_V1_NumberedAnswer>, context: ServerContext
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var underWay = 0
            for try await message in request {
                if let answer = answerHere(message) {
                    try await response.write(answer)
                    continue
                }
                if underWay >= max(1, limit) {
                    try await group.next()
                    underWay -= 1
                }
                underWay += 1
                // Long reads and computations leave the call's event loop thread.
                group.addTask(executorPreference: globalConcurrentExecutor) {
                    try await response.write(await self.answer(message))
                }
            }
            try await group.waitForAll()
        }
    }

    /// Answers a search that takes less time than handing it to another thread; nil for any other.
    private func answerHere(
        _ message: Tessera_Worker_V1_NumberedSearch
    ) -> Tessera_Worker_V1_NumberedAnswer? {
        do throws(TesseraError) {
            guard let response = try searchHere(message.request) else { return nil }
            return .init(message.number, response)
        } catch {
            return .init(message.number, error)
        }
    }

    private func answer(
        _ message: Tessera_Worker_V1_NumberedSearch
    ) async -> Tessera_Worker_V1_NumberedAnswer {
        do throws(TesseraError) {
            return .init(message.number, try await search(message.request))
        } catch {
            return .init(message.number, error)
        }
    }
}

extension Tessera_Worker_V1_NumberedAnswer {
    fileprivate init(_ number: UInt64, _ response: WireSearchResponse) {
        self.init()
        self.number = number
        self.response = response
    }

    fileprivate init(_ number: UInt64, _ error: TesseraError) {
        self.init()
        self.number = number
        let failure = RPCError(error)
        self.failure = UInt32(clamping: failure.code.rawValue)
        message = failure.message
    }
}
