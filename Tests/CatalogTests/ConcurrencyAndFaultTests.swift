// Other writers, kills and lost answers: whatever happens, each number has one winner and each
// version is whole.
import Catalog
import Foundation
import ObjectStore
import TesseraBase
import TestSupport
import Testing

struct ConcurrencyAndFaultTests {
    @Test(arguments: [false, true])
    func `of 16 publishers of different drafts one wins each number`(onDisk: Bool) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store: any ObjectStore =
            onDisk ? FileStore(root: folder.path("store")) : MemoryStore()
        let catalog = try Catalog(store: store, index: IndexName("photos"))
        var drafts: [Draft] = []
        for writer in 0..<16 { drafts.append(try await catalog.train("\(writer)")) }
        let outcomes = await race(drafts.map(\.id), on: catalog)
        let won = outcomes.compactMap { try? $0.get() }
        #expect(!won.isEmpty)
        #expect(Set(won.map(\.manifest.version)) == Set(1...won.count))
        for case .failure(let error) in outcomes {
            #expect(error.code == .conflict && error.message.contains("draft"))
        }
        #expect(try await catalog.versions().count == won.count)
        // The losers are told, try again, and win the next numbers.
        for draft in try await catalog.drafts() {
            _ = try await catalog.publish(draftID: draft.id)
        }
        #expect(try await catalog.versions().map(\.number) == Array(1...16))
        try await catalog.expectAllSound()
    }

    @Test func `16 publishers of one draft make one version`() async throws {
        let bench = try Bench()
        let draft = try await bench.catalog.train("one")
        let outcomes = await race(Array(repeating: draft.id, count: 16), on: bench.catalog)
        let fresh = try outcomes.map { try $0.get() }.filter { !$0.alreadyPublished }
        #expect(fresh.count == 1)
        #expect(try await bench.catalog.versions().count == 1)
    }

    private func race(
        _ drafts: [String], on catalog: Catalog
    ) async -> [Result<Publication, TesseraError>] {
        await withTaskGroup(of: Result<Publication, TesseraError>.self) { group in
            for id in drafts {
                group.addTask {
                    do throws(TesseraError) {
                        return .success(try await catalog.publish(draftID: id))
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test func `a publish overtaken while it verifies is told by whom`() async throws {
        let bench = try Bench()
        let slow = try await bench.catalog.train("slow")
        bench.clock.advance(hours: 1)
        let fast = try await bench.catalog.train("fast")
        let store = InterruptedStore(base: bench.memory, prefix: "photos/shards/") {
            _ = try await bench.catalog.publish(draftID: fast.id)
        }
        let catalog = try bench.catalog(over: store)
        let error = await failure { _ = try await catalog.publish(draftID: slow.id) }
        #expect(error?.code == .conflict)
        #expect(error?.message.contains("version 1") == true)
        #expect(error?.message.contains(fast.id) == true)
        #expect(try await bench.catalog.publish(draftID: slow.id).manifest.version == 2)
    }

    @Test func `a create whose answer is lost is recognised as won`() async throws {
        let bench = try Bench()
        _ = try await bench.catalog.train("one")
        let faulty = try bench.catalog(over: FaultyStore(bench.memory, .loseCreate))
        let publication = try await faulty.publish()
        #expect(publication.manifest.version == 1 && !publication.alreadyPublished)
        _ = try await bench.publish("two")
        #expect(try await faulty.rollback(to: 1).version == 3)
        #expect(try await bench.catalog.versions().count == 3)
    }

    @Test func `a create that failed is not taken for won`() async throws {
        let bench = try Bench()
        _ = try await bench.catalog.train("one")
        let faulty = try bench.catalog(over: FaultyStore(bench.memory, .refuseCreate))
        let error = await failure { _ = try await faulty.publish() }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("run this again") == true)
        #expect(try await bench.keys("versions/").isEmpty)
        #expect(try await bench.catalog.publish().manifest.version == 1)
    }

    enum Work: CaseIterable, Sendable { case publish, rollback, collect }

    @Test(arguments: Work.allCases, [FaultyStore.Fault.killBefore, .killAfter])
    func `a kill at any call leaves only whole versions`(
        work: Work, fault: FaultyStore.Fault
    ) async throws {
        var finished = false
        var calls = 0
        while !finished {
            let bench = try await history()
            let store = FaultyStore(bench.memory, fault, after: calls)
            let catalog = try bench.catalog(over: store)
            _ = await failure { try await run(work, catalog) }
            finished = !store.hasFailed && store.remaining.value > 0
            try await bench.catalog.expectAllSound("after a kill at call \(calls)")
            try await run(work, bench.catalog, retried: true)
            try await bench.catalog.expectAllSound("after a retry of call \(calls)")
            bench.clock.advance(hours: 30)
            _ = try await bench.catalog.collectGarbage(keep: 1, apply: true)
            try await bench.catalog.expectAllSound("after a collection, call \(calls)")
            _ = try await bench.publish("next \(calls)")
            calls += 1
            try #require(calls < 500)
        }
        #expect(calls > 8)
    }

    /// Three versions, of which two can be collected, and a draft.
    private func history() async throws -> Bench {
        let bench = try Bench()
        for content in ["a", "b", "c"] {
            _ = try await bench.publish(content)
            bench.clock.advance(hours: 48)
        }
        _ = try await bench.catalog.train("d")
        return bench
    }

    private func run(_ work: Work, _ catalog: Catalog, retried: Bool = false) async throws {
        switch work {
        case .publish:
            // A retry after a publish that went through finds its draft gone, which is an answer
            // too.
            let error = await failure { _ = try await catalog.publish() }
            if retried, let error { #expect(error.message.contains("no draft to publish")) }
        case .rollback: _ = try await catalog.rollback(to: 2)
        case .collect: _ = try await catalog.collectGarbage(keep: 1, apply: true)
        }
    }
}
