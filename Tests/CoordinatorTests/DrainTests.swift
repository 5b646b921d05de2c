// A server that shuts down under load answers every request that it has received.
import Coordinator
import ServiceLifecycle
import Synchronization
import TesseraBase
import Testing

struct DrainTests {
    /// Counts of answered and lost requests.
    private final class Tally: Sendable {
        private let state = Mutex<(answered: Int, lost: [String])>((0, []))

        var answered: Int { state.withLock { $0.answered } }
        var lost: [String] { state.withLock { $0.lost } }

        func countAnswer() { state.withLock { $0.answered += 1 } }

        func countLoss(_ what: String) { state.withLock { $0.lost.append(what) } }
    }

    /// The clients keep a connection until they are told to close it, and then open another, until
    /// the port is closed.
    @Test(arguments: [0, 150])
    func `a server told to end under load answers all that was asked`(drainMilliseconds: Int)
        async throws
    {
        let index = try await PublishedIndex.shared.value
        let tally = Tally()
        let change: (inout ServerSettings) -> Void = {
            $0.drain = .milliseconds(drainMilliseconds)
        }
        try await withServer(index, change) { server in
            try await withThrowingTaskGroup(of: Void.self) { load in
                for row in 0..<24 {
                    load.addTask {
                        let body = Array(#"{"vector":\#(index.query(row).json)}"#.utf8)
                        let request = Wire.request("POST", "/v1/indexes/photos/search", body: body)
                        // A client that cannot connect has sent no request.
                        while let wire = try? await Wire.patiently(port: server.port) {
                            await Self.ask(wire, request, tally)
                        }
                    }
                }
                try await server.wait(for: "the load") { tally.answered > 500 }
                await server.group.triggerGracefulShutdown()
                try await load.waitForAll()
            }
        }
        #expect(tally.lost == [])
        #expect(tally.answered > 500)
    }

    /// Asks over one connection until the server says that it closes it.
    private static func ask(_ wire: Wire, _ request: [UInt8], _ tally: Tally) async {
        while true {
            do {
                try await wire.send(request)
                let answer = try await wire.answer()
                tally.countAnswer()
                guard answer.status == 200 else {
                    return tally.countLoss("status \(answer.status)")
                }
                if answer.headers["connection"] == "close" { return }
            } catch {
                return tally.countLoss("\(error)")
            }
        }
    }

    @Test func `an idle connection is closed at the end, without an answer`() async throws {
        let index = try await PublishedIndex.shared.value
        try await withServer(index, { $0.limits.farewellTime = .milliseconds(50) }) { server in
            let wire = try Wire(port: server.port)
            try await wire.send(Wire.request("GET", "/health"))
            #expect(try await wire.answer().status == 200)
            await server.group.triggerGracefulShutdown()
            #expect(try await wire.untilClosed().isEmpty)
        }
    }

    @Test func `a request on a connection that was idle when the server ended is answered`()
        async throws
    {
        let index = try await PublishedIndex.shared.value
        try await withServer(index, { $0.limits.farewellTime = .seconds(20) }) { server in
            let wire = try Wire(port: server.port)
            try await wire.send(Wire.request("GET", "/health"))
            #expect(try await wire.answer().status == 200)
            await server.group.triggerGracefulShutdown()
            // The port is closed, and the open connection still works.
            try await server.wait(for: "the end of listening") {
                (try? await Wire.patiently(port: server.port)) == nil
            }
            try await wire.send(Wire.request("GET", "/health"))
            let last = try await wire.answer()
            #expect(last.status == 200 && last.headers["connection"] == "close")
        }
    }
}
