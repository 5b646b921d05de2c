// The files of one index's query log: `queries-<number>-<writer>.fbin`, an ordinary vector file.
//
// Invariants: a file becomes visible when it is whole, under a name that no other process uses, and
// only its owner can read it. Older files are removed before a new one would exceed the bound.
import Foundation
import TesseraBase
import VectorCore

/// Writes the queries of one index. Used by one thread at a time.
struct QueryLogFiles {
    /// Numbers of queries written and lost by one call, and why.
    struct Outcome {
        var recorded = 0
        var dropped = 0
        var failure: TesseraError?
    }

    /// Bytes of a file. The newest is rewritten whole as it grows.
    private static let largestFile = 8_000_000
    /// Most files, however small: a reader opens them all.
    private static let mostFiles = 256

    private let folder: String
    private let bound: Int
    private let writer: String
    private var dimension = 0
    /// Queries of the newest file, and those not written to it yet.
    private var queries: [[Float]] = []
    /// Number of `queries` that are in the file.
    private var written = 0
    private var number: Int?

    /// - Parameter writer: letters and digits that no other process uses in this folder.
    init(folder: String, bound: Int, writer: String) {
        self.folder = folder
        self.bound = bound
        self.writer = writer
    }

    /// Number of queries that are in no file.
    var unwritten: Int { queries.count - written }

    /// Adds queries and writes them. Those that could not be written are tried again by the next
    /// call, as long as they fit one file.
    mutating func add(_ new: [[Float]]) -> Outcome {
        var outcome = Outcome()
        for query in new {
            if query.count != dimension || 4 * dimension * (queries.count + 1) > fileBytes {
                write(&outcome)
                close(&outcome)
                dimension = query.count
            }
            queries.append(query)
        }
        write(&outcome)
        return outcome
    }

    private var fileBytes: Int { min(Self.largestFile, bound / 8) }

    private mutating func write(_ outcome: inout Outcome) {
        guard unwritten > 0 else { return }
        do throws(TesseraError) {
            // The folder may have been removed, which also meant the files in it.
            try Self.make(folder: folder)
            let number = number ?? next()
            let name = Self.name(number, writer)
            let matrix = Matrix(
                rows: queries.count, columns: dimension, elements: queries.flatMap { $0 })
            try makeRoom(for: 8 + 4 * matrix.elements.count, name)
            let file = try VectorFileWriter(
                path: "\(folder)/\(name)", dimension: dimension, isPrivate: true)
            try file.append(matrix)
            try file.finish(isDurable: true)
            self.number = number
            outcome.recorded += unwritten
            outcome.failure = nil
            written = queries.count
        } catch {
            outcome.failure = error
        }
    }

    /// Makes the next query begin a new file.
    private mutating func close(_ outcome: inout Outcome) {
        outcome.dropped += unwritten
        queries = []
        written = 0
        number = nil
    }

    /// Creates the folder if it is missing. Throws `unavailable` if it cannot be created.
    static func make(folder: String) throws(TesseraError) {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw TesseraError(
                .unavailable,
                "the folder \(folder) for recorded queries cannot be created; name another with "
                    + "--query-log",
                cause: error)
        }
    }

    /// Total size of the log's files in bytes.
    var bytes: Int { files.reduce(0) { $0 + $1.bytes } }

    private var files: [(name: String, bytes: Int)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().compactMap { name in
            guard Self.number(of: name) != nil else { return nil }
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
            return (name, attributes?[.size] as? Int ?? 0)
        }
    }

    private func next() -> Int {
        1 + (files.compactMap { Self.number(of: $0.name) }.max() ?? 0)
    }

    /// Removes the oldest files, including those that a killed process left unfinished.
    private func makeRoom(for bytes: Int, _ name: String) throws(TesseraError) {
        let others = files.filter { $0.name != name }
        var total = bytes + others.reduce(0) { $0 + $1.bytes }
        var count = 1 + others.count
        for file in others where total > bound || count > Self.mostFiles {
            let path = "\(folder)/\(file.name)"
            try? FileManager.default.removeItem(atPath: path)
            guard !FileManager.default.fileExists(atPath: path) else {
                throw TesseraError(.unavailable, "\(path) cannot be removed to make room")
            }
            total -= file.bytes
            count -= 1
        }
    }

    private static func name(_ number: Int, _ writer: String) -> String {
        let digits = String(number)
        return "queries-\(String(repeating: "0", count: max(0, 10 - digits.count)))\(digits)"
            + "-\(writer).fbin"
    }

    /// The number of a finished or unfinished file of a log; nil for other files, which are left
    /// alone.
    private static func number(of name: String) -> Int? {
        let parts = name.split(separator: "-")
        guard parts.count == 3, parts[0] == "queries",
            parts[2].hasSuffix(".fbin") || parts[2].hasSuffix(".fbin.partial")
        else { return nil }
        return Int(parts[1])
    }
}
