// The files of the repository, found from the path of this file.
import Foundation

/// A text file and its path, `/`-separated from the repository root.
struct TextFile {
    let path: String
    let text: String

    var name: String { path.split(separator: "/").last.map(String.init) ?? path }
    var isSwift: Bool { path.hasSuffix(".swift") }
    var isC: Bool { [".c", ".cpp", ".h"].contains { path.hasSuffix($0) } }

    /// The first folder under `Sources`: the target that the file belongs to.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }
}

/// Reads the repository's files.
struct Repository {
    let root: URL

    init(file: String = #filePath) {
        root = URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }

    func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Folders under `Sources`: every target but the tests.
    func targets() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path)
            .filter { !$0.hasPrefix(".") }.sorted()
    }

    /// Swift and C files of the package that are not generated.
    func sources() throws -> [TextFile] {
        try files(under: ["Sources", "Tests", "Benchmarks"]).filter {
            ($0.isSwift || $0.isC) && !$0.path.contains("/Generated/")
        }
    }

    /// All Swift files of the package, generated ones too: what a target imports.
    func swiftFiles() throws -> [TextFile] {
        try files(under: ["Sources", "Tests"]).filter(\.isSwift)
    }

    /// All text files that are not generated, without the sample's data.
    func writtenFiles() throws -> [TextFile] {
        let top = try FileManager.default.contentsOfDirectory(atPath: root.path).sorted()
            .filter { $0.hasSuffix(".md") || $0.hasSuffix(".swift") || $0 == ".swift-format" }
        let folders = ["Sources", "Tests", "Benchmarks", "Scripts", "manifests", "docs", ".ci"]
        return try top.map { TextFile(path: $0, text: try text($0)) } + files(under: folders)
    }

    private func files(under folders: [String]) throws -> [TextFile] {
        var found: [TextFile] = []
        for folder in folders {
            let base = root.appending(path: folder)
            guard let walker = FileManager.default.enumerator(atPath: base.path) else { continue }
            let paths = walker.compactMap { $0 as? String }.sorted()
            for path in paths where !path.contains("__pycache__") && !path.contains("/.") {
                // Binary files have no text to check.
                guard let text = try? text("\(folder)/\(path)") else { continue }
                found.append(TextFile(path: "\(folder)/\(path)", text: text))
            }
        }
        return found
    }
}
