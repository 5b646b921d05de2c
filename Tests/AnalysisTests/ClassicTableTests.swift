// The table of exact search against IVF-PQ, for a small version.
import Analysis
import Foundation
import Planner
import Testing

struct ClassicTableTests {
    @Test func `exact search is set against what was measured of the version`() async throws {
        let fixture = try await AnalysisFixture(rows: 5200)
        let measured = try await fixture.report(fixture.plan()).report
        let table = try #require(measured.classic)
        #expect(table.rows.map(\.vectors) == [5200] + ClassicTable.sizes)
        let own = table.rows[0]
        #expect(own.microseconds.measured && own.bytes.measured && own.recall.measured)
        #expect(own.bytes.value == (measured.memory?.codes ?? 0) + (measured.memory?.models ?? 0))
        let largest = table.rows[3]
        #expect(!largest.microseconds.measured && !largest.exactMicroseconds.measured)
        #expect(largest.exactBytes.value == 64e9 && largest.bytes.value > 8e9)
        #expect(table.heldOut.map(\.quantity) == ["p50", "memory"])
        #expect(measured.page.contains("<h2>Exact search against IVF-PQ</h2>"))
        #expect(
            measured.page.contains(" measured</td>") && measured.page.contains(" modelled</td>"))
    }
}
