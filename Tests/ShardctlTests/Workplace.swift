// A folder to work in, with a store in it, as a user would have.
import Foundation
import TestSupport
import Testing
import VectorCore

/// Runs shardctl in a folder of its own, on index `photos` of the store beside its input files.
final class Workplace: Sendable {
    let folder: TemporaryFolder
    let store: String

    /// Creates the folder.
    ///
    /// - Parameter store: the store's folder; nil creates one in the new folder.
    init(store: String? = nil) throws {
        folder = try TemporaryFolder()
        self.store = store ?? folder.path("store")
    }

    func write(_ name: String, _ matrix: Matrix, as format: InputFormat = .fbin) throws {
        _ = try folder.write(name, format.bytes(matrix))
    }

    func write(_ name: String, lines: [String]) throws {
        _ = try folder.write(name, Data(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// The arguments that name the index.
    var target: [String] { ["--store", "file://\(store)", "--index", "photos"] }

    /// Runs `shardctl command --store … --index photos more`.
    func run(_ command: String, _ more: [String] = []) throws -> Outcome {
        try Program.run([command] + target + more, in: folder.url.path)
    }

    /// Starts the same command without waiting for it.
    func start(_ command: String, _ more: [String] = []) throws -> Program {
        try Program(Program.shardctl, [command] + target + more, in: folder.url.path)
    }

    /// Runs the same command, which must succeed without errors, progress or escape codes.
    @discardableResult
    func mustRun(
        _ command: String, _ more: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Outcome {
        let outcome = try run(command, more)
        #expect(
            outcome.status == 0, "\(command) \(more): \(outcome.errors)",
            sourceLocation: sourceLocation)
        #expect(outcome.errors.isEmpty, sourceLocation: sourceLocation)
        #expect(!outcome.output.contains("\u{1B}"), sourceLocation: sourceLocation)
        return outcome
    }

    /// Trains `vectors` and publishes the draft.
    ///
    /// - Parameter tune: whether recall is measured, which takes dozens of searches per query.
    func trainAndPublish(_ vectors: String, _ more: [String] = [], tune: Bool = false) throws {
        try mustRun("train", ["--vectors", vectors] + more)
        try mustRun("publish", tune ? [] : ["--no-tune"])
    }

    /// The numbers of the published versions.
    func versions() throws -> [Int] {
        let list = try mustRun("list", ["--json"]).json["versions"] as? [[String: Any]]
        return (list ?? []).compactMap { $0["version"] as? Int }
    }

    /// Every file of the folder and of the store, with its content.
    func snapshot() throws -> [String: Data] {
        var files: [String: Data] = [:]
        for root in Set([folder.url.path, store]) {
            let paths = FileManager.default.enumerator(atPath: root)
            while let path = paths?.nextObject() as? String {
                var isFolder: ObjCBool = false
                let whole = root + "/" + path
                guard FileManager.default.fileExists(atPath: whole, isDirectory: &isFolder),
                    !isFolder.boolValue
                else { continue }
                files[path] = try Data(contentsOf: URL(filePath: whole))
            }
        }
        return files
    }

    /// The keys in the index's folder, ascending.
    func storedKeys() -> [String] {
        (FileManager.default.subpaths(atPath: store + "/photos") ?? [])
            .filter { $0.contains(".") }.sorted()
    }

    /// The keys that a version names.
    func keys(ofVersion version: Int) throws -> Set<String> {
        let manifest = try mustRun("inspect", ["--json", "--at", "\(version)"]).json
        let index = manifest["index"] as? [String: Any] ?? [:]
        func digests(_ field: String) -> [String] {
            (index[field] as? [[String: Any]] ?? []).compactMap { $0["digest"] as? String }
        }
        let router = (index["router"] as? [String: Any])?["digest"] as? String ?? ""
        let querySet = (index["queries"] as? [String: Any])?["digest"] as? String
        let queries = querySet.map { ["queries/\($0).tsr"] } ?? []
        return Set(
            digests("shards").map { "shards/\($0).tsr" }
                + digests("idTables").map { "ids/\($0).tsr" }
                + ["routers/\(router).tsr"] + queries)
    }
}

/// Expects the single line that every failure prints.
func expectComplaint(
    _ outcome: Outcome, status: Int32, says parts: [String],
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let text = outcome.errors
    #expect(outcome.status == status, "\(text)", sourceLocation: sourceLocation)
    #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
    #expect(text.hasPrefix("shardctl: error: "), "\(text)", sourceLocation: sourceLocation)
    #expect(
        text.hasSuffix("\n") && text.count { $0 == "\n" } == 1, "\(text)",
        sourceLocation: sourceLocation)
    for noise in ["\u{1B}", "Error Domain", "TesseraError", "Optional("] {
        #expect(!text.contains(noise), "\(text)", sourceLocation: sourceLocation)
    }
    for part in parts {
        #expect(text.contains(part), "\(text)", sourceLocation: sourceLocation)
    }
}
