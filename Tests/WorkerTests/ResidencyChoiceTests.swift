// What is kept in memory by itself, and how much memory there is.
import Catalog
import Foundation
import TesseraBase
import TestSupport
import Testing
import VectorCore
import Worker

struct ResidencyChoiceTests {
    @Test("Everything is kept where it takes at most half of what is left, and pays")
    func rule() async throws {
        let vectors = RandomVectors.uniform(rows: 2000, columns: 32, seed: 3)
        let index = try await SearchFixture(vectors, IndexPlan()).manifest.index
        let bytes = Int(index.residentBytes)
        // Codes, rows of a byte a dimension and ids: less is no honest guess.
        #expect(bytes > 2000 * (32 + 4 + 4))
        func choice(_ asked: ResidencyChoice, searches: Int?, available: Int?) -> Residency {
            asked.residency(of: index, searches: searches, available: available)
        }
        #expect(choice(.auto, searches: nil, available: 2 * bytes + 2) == .all)
        #expect(choice(.auto, searches: nil, available: 2 * bytes - 2) == .codes)
        #expect(choice(.auto, searches: nil, available: nil) == .codes)
        #expect(choice(.auto, searches: 0, available: .max) == .codes)
        #expect(choice(.auto, searches: bytes, available: .max) == .all)
        #expect(choice(.all, searches: 0, available: 0) == .all)
        #expect(choice(.codes, searches: nil, available: .max) == .codes)
    }

    /// 8,192,000 bytes are left on the machine.
    @Test(
        "The tightest of machine and control groups counts",
        arguments: [
            ("no groups", [:], 8_192_000),
            ("a group without a limit", second("max", 5000), 8_192_000),
            ("a group with one", second("7000000", 5_000_000), 2_000_000),
            ("dropped pages count as free", second("7000000", 5_000_000, 4_000_000), 6_000_000),
            ("more is used than allowed", second("1000", 5000), 0),
            (
                "the group around it",
                second("7000000", 100).merging(
                    ["sys/fs/cgroup/memory.max": "3000", "sys/fs/cgroup/memory.current": "1000"]
                ) { $1 }, 2000
            ),
            (
                "version 1",
                [
                    "proc/self/cgroup": "3:cpu,memory:/a\n1:cpu:/b\n",
                    "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9000\n",
                    "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "5000\n",
                    "sys/fs/cgroup/memory/a/memory.stat": "total_inactive_file 2000\n",
                ], 6000
            ),
            (
                "a container sees its own group at the root",
                [
                    "proc/self/cgroup": "0::/elsewhere/box\n",
                    "sys/fs/cgroup/memory.max": "4096\n", "sys/fs/cgroup/memory.current": "96\n",
                ], 4000
            ),
            ("nonsense", ["proc/self/cgroup": "x\n0::\n:::\n"], 8_192_000),
        ] as [(String, [String: String], Int)])
    func available(_ name: String, _ files: [String: String], _ bytes: Int) throws {
        let folder = try TemporaryFolder()
        var all = files
        all["proc/meminfo"] = "MemTotal: 16000 kB\nMemAvailable:    8000 kB\n"
        for (path, text) in all {
            let url = folder.url.appending(path: path)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        #expect(AvailableMemory.bytes(root: folder.url.path) == bytes, "\(name)")
    }

    @Test("A machine that says nothing is not guessed about")
    func silent() throws {
        let folder = try TemporaryFolder()
        #expect(AvailableMemory.bytes(root: folder.url.path) == nil)
    }

    private static func second(_ limit: String, _ used: Int, _ inactive: Int = 0)
        -> [String: String]
    {
        [
            "proc/self/cgroup": "0::/slice/unit\n",
            "sys/fs/cgroup/slice/unit/memory.max": limit + "\n",
            "sys/fs/cgroup/slice/unit/memory.current": "\(used)\n",
            "sys/fs/cgroup/slice/unit/memory.stat": "anon 5\ninactive_file \(inactive)\n",
        ]
    }
}
