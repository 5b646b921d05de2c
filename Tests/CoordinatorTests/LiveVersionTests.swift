// Versions are published and retired while queries run.
import Catalog
import Coordinator
import Foundation
import ObjectStore
import Search
import SearchTypes
import Synchronization
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct LiveVersionTests {
    /// A provider that fails to open the versions it is given, and records what was retired.
    final class Provider: BackendProvider {
        private struct Watched: VersionBackend {
            let inside: any VersionBackend
            let retired: @Sendable () -> Void

            func search(_ request: SearchRequest) async throws(TesseraError) -> [BackendAnswer] {
                try await inside.search(request)
            }

            func vector(of id: String) async throws(TesseraError) -> [Float]? {
                try await inside.vector(of: id)
            }

            func retire() async { retired() }
        }

        private let inside: LocalProvider
        private let state = Mutex<(broken: Set<Int>, retired: [Int])>(([], []))

        init(_ index: PublishedIndex, broken: Set<Int> = []) {
            inside = LocalProvider(store: index.store, pool: WorkPool(width: 1))
            state.withLock { $0.broken = broken }
        }

        var retired: [Int] { state.withLock { $0.retired } }

        func mend() { state.withLock { $0.broken = [] } }

        func open(index: String, version: Int) async throws(TesseraError) -> any VersionBackend {
            guard !state.withLock({ $0.broken.contains(version) }) else {
                throw TesseraError(.corrupted, "secret/place is damaged")
            }
            return Watched(inside: try await inside.open(index: index, version: version)) {
                [weak self] in
                self?.state.withLock { $0.retired.append(version) }
            }
        }
    }

    /// Tells load tasks to end.
    private final class End: Sendable {
        private let flag = Atomic(false)

        var isThere: Bool { flag.load(ordering: .relaxed) }

        func set() { flag.store(true, ordering: .relaxed) }
    }

    private func version(_ server: TestServer) async throws -> Int? {
        try await server.ask("GET", "/v1/indexes/photos").json["version"] as? Int
    }

    @Test func `publish and rollback under load lose no request, and each answer has one version`()
        async throws
    {
        let index = try await PublishedIndex()
        let provider = Provider(index)
        let draft = try await index.draft(nprobe: 2)
        try await withServer(index, provider: provider) { server in
            let end = End()
            try await withThrowingTaskGroup(of: Set<Int>.self) { load in
                for row in 0..<6 {
                    load.addTask {
                        var versions: Set<Int> = []
                        let wire = try Wire(port: server.port)
                        let body = #"{"vector":\#(index.query(row).json)}"#
                        var isLast = false
                        repeat {
                            // One more request after the end, which only the last version can
                            // answer.
                            isLast = end.isThere
                            try await wire.send(
                                Wire.request(
                                    "POST", "/v1/indexes/photos/search", body: Array(body.utf8)))
                            let answer = try await wire.answer()
                            #expect(answer.status == 200, "\(answer.text)")
                            versions.insert(try #require(answer.json["version"] as? Int))
                        } while !isLast
                        return versions
                    }
                }
                let published = try await server.ask(
                    "POST", "/v1/indexes/photos/versions:publish",
                    body: #"{"draft":"\#(draft.id)"}"#)
                #expect(published.status == 200 && published.json["version"] as? Int == 2)
                try await server.wait(for: "version 2") { try await version(server) == 2 }
                let back = try await server.ask(
                    "POST", "/v1/indexes/photos/versions:rollback", body: #"{"version":1}"#)
                #expect(
                    back.json["version"] as? Int == 3 && back.json["kind"] as? String == "rollback")
                try await server.wait(for: "version 3") { try await version(server) == 3 }
                try await server.wait(for: "retirement") { provider.retired == [1, 2] }
                end.set()
                for try await versions in load {
                    #expect(versions.isSubset(of: [1, 2, 3]) && versions.contains(3))
                }
            }
            let again = try await server.ask(
                "POST", "/v1/indexes/photos/versions:publish",
                body: #"{"draft":"\#(draft.id)"}"#)
            #expect(again.json["already_published"] as? Bool == true)
        }
        #expect(provider.retired == [1, 2, 3])
    }

    @Test func `a version that another process publishes is found by its key`() async throws {
        let index = try await PublishedIndex()
        try await withServer(index) { server in
            #expect(try await version(server) == 1)
            _ = try await index.draft(nprobe: 3)
            _ = try await index.catalog.publish()
            try await server.wait(for: "version 2") { try await version(server) == 2 }
            let detail = try await server.ask("GET", "/v1/indexes/photos").json
            #expect(detail["default_nprobe"] as? Int == 3)
        }
    }

    @Test func `a query ends with the version it began with, which is retired after it`()
        async throws
    {
        let index = try await PublishedIndex()
        let held = HeldBackend(index)
        try await withServer(index, provider: held) { server in
            async let early = server.search(#"{"vector":\#(index.query(0).json)}"#)
            try await server.wait(for: "the query") { held.waiting == 1 }
            _ = try await index.draft(nprobe: 3)
            _ = try await index.catalog.publish()
            try await server.wait(for: "version 2") { try await version(server) == 2 }
            let stats = try await server.ask("GET", "/stats").json
            let indexes = try #require(stats["indexes"] as? [[String: Any]])
            #expect(indexes[0]["retiring"] as? Int == 1 && indexes[0]["flips"] as? Int == 1)
            held.release()
            #expect(try await early.json["version"] as? Int == 1)
            try await server.wait(for: "retirement") {
                let stats = try await server.ask("GET", "/stats").json
                return (stats["indexes"] as? [[String: Any]])?[0]["retiring"] as? Int == 0
            }
        }
    }

    @Test
    func
        `a version that cannot be opened leaves the old one serving and says so; later it is tried again`()
        async throws
    {
        let index = try await PublishedIndex()
        let provider = Provider(index, broken: [2])
        try await withServer(index, provider: provider) { server in
            _ = try await index.draft(nprobe: 3)
            _ = try await index.catalog.publish()
            try await server.wait(for: "a problem") {
                try await server.ask("GET", "/v1/indexes/photos").json["problem"] is String
            }
            #expect(try await version(server) == 1)
            let ready = try await server.ask("GET", "/ready")
            #expect(ready.status == 200 && ready.text.contains("version 2 cannot be opened"))
            #expect(!ready.text.contains("secret"))
            #expect(try await server.search(#"{"id":"v3"}"#).json["version"] as? Int == 1)
            provider.mend()
            try await server.wait(for: "version 2") { try await version(server) == 2 }
            #expect(try await !server.ask("GET", "/ready").text.contains("cannot be opened"))
        }
    }

    @Test func `a manifest that cannot be read is passed over for the one after it`() async throws {
        let index = try await PublishedIndex()
        try await withServer(index) { server in
            try await index.store.put("photos/versions/0000000002.json", Array("{}".utf8))
            try await server.wait(for: "a problem") {
                try await server.ask("GET", "/ready").text.contains("version 2 cannot be read")
            }
            _ = try await index.catalog.rollback(to: 1)
            try await server.wait(for: "version 3") { try await version(server) == 3 }
        }
    }

    @Test
    func `an index with nothing published answers 503 until something is; a new index is found`()
        async throws
    {
        let index = try await PublishedIndex()
        try await withServer(index, waits: false) { server in
            try await server.wait(for: "ready") { try await server.isReady() }
            let other = try Catalog(store: index.store, index: IndexName("empty"))
            var content = index.manifest.index
            content.name = "empty"
            _ = try await other.saveDraft(content)
            try await server.wait(for: "the new index") {
                try await server.ask("GET", "/v1/indexes").text.contains("empty")
            }
            let answer = try await server.ask(
                "POST", "/v1/indexes/empty/search", body: #"{"vector":[1]}"#)
            #expect(answer.status == 503 && answer.code == "unavailable")
            #expect(try await server.ask("GET", "/ready").status == 503)
        }
    }
}
