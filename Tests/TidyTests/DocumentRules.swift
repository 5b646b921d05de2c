// Rules that keep the documents in step with the package: every target is explained, and every
// dependency is listed with its licence.

/// Checks of ARCHITECTURE.md and README.md.
enum DocumentRules {
    /// Targets that the document does not name.
    static func missingTargets(_ targets: [String], in document: String) -> [String] {
        targets.filter { document.places(of: $0).isEmpty }
    }

    /// Names of packages, system packages and linked libraries in a package manifest, without those
    /// that come with the C++ compiler.
    static func dependencies(ofManifest text: String) -> [String] {
        let compilerRuntime: Set = ["stdc++", "gomp"]
        let packages = values(after: ".package(url: ", in: text)
            .compactMap { $0.split(separator: "/").last.map(String.init) }
            .map { $0.hasSuffix(".git") ? String($0.dropLast(4)) : $0 }
        let system = values(after: "pkgConfig: ", in: text)
        let linked = values(after: ".linkedLibrary(", in: text)
        return packages + system + linked.filter { !compilerRuntime.contains($0) }
    }

    /// Dependencies that no table row of the document names.
    static func missingDependencies(_ dependencies: [String], in document: String) -> [String] {
        let rows = document.split(separator: "\n").filter { $0.hasPrefix("|") }
            .joined(separator: "\n").lowercased()
        return dependencies.filter { rows.places(of: $0.lowercased()).isEmpty }
    }

    /// The string literals that follow `label`.
    private static func values(after label: String, in text: String) -> [String] {
        text.ranges(of: label + "\"").map { found in
            String(text[found.upperBound...].prefix { $0 != "\"" })
        }
    }
}
