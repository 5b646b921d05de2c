// Exact neighbours compared with an oracle that shares no code with them.
import Analysis
import Foundation
import Reporting
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct TruthTests {
    @Test func `strangers' neighbours are those of brute force, and are kept`() async throws {
        let fixture = try await AnalysisFixture()
        let selection = try await fixture.selection(fixture.queriesPath)
        let folder = fixture.folder.path("truth")
        let found = try await fixture.finder(selection).vectors(
            path: fixture.vectorsPath, idsPath: fixture.idsPath, folder: folder, budgetSeconds: 60)
        #expect(!found.cached && found.truth.queries == 40 && found.notes.isEmpty)
        for k in [1, 10, 100] {
            let exact = ExactSearch.nearest(
                selection.queries, in: fixture.vectors, k: k, metric: .l2)
            let level = try #require(found.truth.levels[k])
            #expect(level.source == .vectors)
            for (names, rows) in zip(level.neighbours, exact) {
                #expect(Set(names).isSuperset(of: rows.map { "v\($0)" }))
            }
        }
        let again = try await fixture.finder(selection).vectors(
            path: fixture.vectorsPath, idsPath: fixture.idsPath, folder: folder, budgetSeconds: 60)
        #expect(again.cached && again.truth == found.truth)
        // Another draw of queries has other neighbours.
        let fewer = try await fixture.selection(fixture.queriesPath, most: 30)
        let other = try await fixture.finder(fewer).vectors(
            path: fixture.vectorsPath, idsPath: fixture.idsPath, folder: folder, budgetSeconds: 60)
        #expect(!other.cached && other.truth.queries == 30)
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) {
            try Data("{".utf8).write(to: URL(filePath: "\(folder)/\(file)"))
        }
        let damaged = try await fixture.finder(selection).vectors(
            path: fixture.vectorsPath, idsPath: fixture.idsPath, folder: folder, budgetSeconds: 60)
        #expect(!damaged.cached && damaged.truth == found.truth)
    }

    @Test func `what the version keeps agrees with its vectors, and the refine tier with both`()
        async throws
    {
        let fixture = try await AnalysisFixture()
        let selection = try await fixture.selection()
        #expect(selection.ownIDs?.count == 60)
        let exact = try await fixture.finder(selection).vectors(
            path: fixture.vectorsPath, idsPath: fixture.idsPath, folder: nil, budgetSeconds: 60)
        let stored = try await fixture.finder(selection).stored(budgetSeconds: 60)
        #expect(stored.truth.levels[10]?.source == .stored)
        #expect(stored.truth.levels[10]?.neighbours == exact.truth.levels[10]?.neighbours)
        #expect(stored.truth.levels[100]?.source == .refine)
        for query in 0..<60 {
            let near = exact.truth.levels[100]?.neighbours[query] ?? []
            let refined = stored.truth.levels[100]?.neighbours[query] ?? []
            #expect(!near.contains(selection.ownIDs?[query] ?? ""))
            #expect(refined.count == 100 && Set(refined).intersection(near).count >= 98)
        }
    }

    @Test func `too little time means fewer queries, and none at all is an error`() async throws {
        let fixture = try await AnalysisFixture()
        let selection = try await fixture.selection()
        let none = await failure {
            _ = try await fixture.finder(selection).vectors(
                path: fixture.vectorsPath, idsPath: fixture.idsPath, folder: nil,
                budgetSeconds: 1e-9)
        }
        #expect(none?.code == .resourceExhausted)
        #expect(none?.message.contains("--budget-seconds") == true)
        let stored = try await fixture.finder(selection).stored(budgetSeconds: 1e-9)
        #expect(stored.truth.levels.keys.sorted() == [1, 10])
        #expect(stored.notes.first?.contains("recall@100") == true)
    }

    @Test func `files that do not fit the version are refused with the mend`() async throws {
        let fixture = try await AnalysisFixture()
        let selection = try await fixture.selection()
        let other = await failure {
            _ = try await fixture.finder(selection).vectors(
                path: fixture.queriesPath, idsPath: nil, folder: nil, budgetSeconds: 60)
        }
        #expect(other?.code == .invalidArgument)
        #expect(other?.message.contains("is 40 x 16, the version holds 1200 x 16") == true)
        let withoutIDs = await failure {
            _ = try await fixture.finder(selection).vectors(
                path: fixture.vectorsPath, idsPath: nil, folder: nil, budgetSeconds: 60)
        }
        #expect(withoutIDs?.message.contains("--ids") == true)
        let wide = try fixture.folder.write(
            "wide.fbin", Data([1, 0, 0, 0, 2, 0, 0, 0] + [UInt8](repeating: 0, count: 8)))
        let dimension = await failure { _ = try await fixture.selection(wide) }
        #expect(dimension?.code == .invalidArgument)
        #expect(dimension?.message.contains("2 dimensions") == true)
        let zero = await failure { _ = try await fixture.selection(most: 0) }
        #expect(zero?.message.contains("at least one query") == true)
        let without = try await AnalysisFixture(queries: 0)
        let nothing = await failure { _ = try await without.selection() }
        #expect(nothing?.code == .notFound && nothing?.message.contains("--queries") == true)
    }

    @Test func `recall counts every neighbour that ties with the k-th`() {
        let truth = GroundTruth(
            queries: 1,
            levels: [2: GroundTruth.Level(source: .vectors, neighbours: [["a", "b", "c"]])])
        #expect(truth.share(["a", "c"], of: 0, k: 2) == 1)
        #expect(truth.share(["x", "c"], of: 0, k: 2) == 0.5)
        #expect(truth.share([], of: 0, k: 2) == 0)
        #expect(truth.share(["a"], of: 1, k: 2) == nil && truth.share(["a"], of: 0, k: 3) == nil)
    }
}
