// The spill: order, splitting, threads, a full disk.
import Foundation
import Indexer
import TesseraBase
import TestSupport
import Testing
import VectorCore

struct VectorSpillTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test(arguments: [1, 2, 7, 1000], [true, false])
    func `rows come back by cell and in order, whatever the buffers hold`(
        _ recordsBuffered: Int, _ finishes: Bool
    ) throws {
        let spill = try makeSpill(cells: 13, rowBytes: 5, recordsBuffered: recordsBuffered)
        let expected = try fill(spill, rows: 3000)
        if finishes { try spill.finish() }
        for cell in 0..<13 {
            #expect(spill.rows(ofCell: cell) == expected[cell].rowNumbers.count)
            #expect(try spill.read(cell: cell) == expected[cell])
        }
        // Nothing of it has a name.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    }

    @Test func `several threads read at once`() async throws {
        let spill = try makeSpill(cells: 13, rowBytes: 5, recordsBuffered: 3)
        let expected = try fill(spill, rows: 20_000)
        try spill.finish()
        await withTaskGroup(of: Bool.self) { group in
            for cell in 0..<52 {
                group.addTask { (try? spill.read(cell: cell % 13)) == expected[cell % 13] }
            }
            for await isRight in group { #expect(isRight) }
        }
    }

    @Test func `several threads append at once, each cell keeping each thread's order`()
        async throws
    {
        let spill = try makeSpill(cells: 3, rowBytes: 8, recordsBuffered: 4)
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    for index in 0..<500 {
                        let row = UInt64(writer * 1000 + index)
                        try? spill.append(
                            cell: index % 3, row: row, [UInt8](repeating: 1, count: 8))
                    }
                }
            }
        }
        let rows: [UInt64] = try (0..<3).flatMap { try spill.read(cell: $0).rowNumbers }
        var expected: [UInt64] = []
        for writer in 0..<4 { expected += (0..<500).map { UInt64(writer * 1000 + $0) } }
        #expect(rows.sorted() == expected)
        for cell in 0..<3 {
            let ofFirst = try spill.read(cell: cell).rowNumbers.filter { $0 < 1000 }
            #expect(ofFirst == ofFirst.sorted())
        }
    }

    @Test func `a cell is split by appending it anew, and released places are used again`() throws {
        let spill = try makeSpill(cells: 2, rowBytes: 5, recordsBuffered: 100)
        for row in 0..<1000 {
            try spill.append(
                cell: 0, row: UInt64(row), Array(repeating: UInt8(row % 251), count: 5))
        }
        try spill.finish()
        #expect(try spill.addCells(2) == 2..<4)
        try spill.forEachBlock(ofCell: 0) { (block) throws(TesseraError) in
            let cells = block.rowNumbers.map { Int($0 % 2) + 2 }
            try spill.append(cells: cells, rows: block.rowNumbers, block.raw)
        }
        try spill.finish()
        spill.release(cell: 0)
        #expect(spill.rows(ofCell: 0) == 0)
        #expect(try spill.read(cell: 0).rowNumbers.isEmpty)
        let length = spill.fileBytes
        for row in 0..<500 {
            try spill.append(cell: 1, row: UInt64(row), [9, 9, 9, 9, 9])
        }
        try spill.finish()
        #expect(spill.fileBytes == length)
        #expect(try spill.read(cell: 1).rowNumbers == Array(0..<500))
        for part in 0..<2 {
            let rows = try spill.read(cell: 2 + part)
            let numbers = (0..<500).map { UInt64($0 * 2 + part) }
            let raw = numbers.flatMap { [UInt8](repeating: UInt8($0 % 251), count: 5) }
            #expect(rows == SpilledRows(rowNumbers: numbers, raw: raw))
        }
    }

    @Test func `a budget below one row a cell, and a folder that is not there, are refused`() throws
    {
        do {
            _ = try VectorSpill(
                scratchFolder: folder.url.path, cells: 100, rowBytes: 12, memoryBudget: 1999)
            Issue.record("the budget was accepted")
        } catch {
            #expect(error.code == .invalidArgument && error.message.contains("at least 2000 bytes"))
        }
        do {
            _ = try VectorSpill(
                scratchFolder: folder.path("none"), cells: 1, rowBytes: 1, memoryBudget: 100)
            Issue.record("the folder was accepted")
        } catch {
            #expect(error.code == .notFound && error.message.contains("none"))
        }
    }

    @Test(.enabled(if: SmallDisk.isPermitted, "mounting a tmpfs is not permitted here"))
    func `a full disk is an error that names the scratch folder and the mend`() throws {
        let disk = try #require(SmallDisk(at: folder.url.path))
        let spill = try VectorSpill(
            scratchFolder: disk.path, cells: 4, rowBytes: 992, memoryBudget: 1 << 20)
        do {
            for row in 0..<4000 {
                try spill.append(
                    cell: row % 4, row: UInt64(row), [UInt8](repeating: 7, count: 992))
            }
            Issue.record("4 MB fitted on a disk of 1 MB")
        } catch {
            #expect(error.code == .resourceExhausted)
            #expect(error.message.contains("scratch folder \(disk.path) is full"))
            #expect(error.message.contains("--scratch DIR"))
        }
    }

    private func makeSpill(
        cells: Int, rowBytes: Int, recordsBuffered: Int
    ) throws -> VectorSpill {
        try VectorSpill(
            scratchFolder: folder.url.path, cells: cells, rowBytes: rowBytes,
            memoryBudget: cells * recordsBuffered * (rowBytes + 8))
    }

    /// Appends pseudo-random rows in batches and returns what each cell must hold.
    private func fill(_ spill: VectorSpill, rows: Int) throws -> [SpilledRows] {
        var random = SeededRandom(seed: 11)
        var expected = [SpilledRows](
            repeating: SpilledRows(rowNumbers: [], raw: []), count: spill.cells)
        for start in stride(from: 0, to: rows, by: 100) {
            let numbers = (start..<start + 100).map { UInt64($0) << 33 }
            // Cell 0 stays empty.
            let cells = numbers.map { _ in Int.random(in: 1..<spill.cells, using: &random) }
            let raw = (0..<100 * spill.rowBytes).map { _ in UInt8(random.next() & 0xFF) }
            try spill.append(cells: cells, rows: numbers, raw)
            for (index, cell) in cells.enumerated() {
                expected[cell].rowNumbers.append(numbers[index])
                expected[cell].raw += raw[index * spill.rowBytes..<(index + 1) * spill.rowBytes]
            }
        }
        return expected
    }
}

/// A disk of one megabyte, unmounted with the value.
private final class SmallDisk {
    let path: String

    static var isPermitted: Bool {
        guard let folder = try? TemporaryFolder() else { return false }
        return SmallDisk(at: folder.url.path) != nil
    }

    init?(at folder: String) {
        path = folder
        guard SmallDisk.run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]) else {
            return nil
        }
    }

    deinit {
        _ = SmallDisk.run("umount", ["-l", path])
    }

    private static func run(_ program: String, _ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
