// Package.swift as text: its targets with their folders and dependencies, without running the
// package manager inside a test.

/// A target of the package manifest.
struct ManifestTarget: Equatable {
    let name: String
    /// The folder of its files, from the repository root, with a slash at its end.
    let folder: String
    /// Modules, in the order of the manifest.
    let dependencies: [String]
}

/// Reads the targets of a manifest in the style of this repository.
enum Manifest {
    private static let calls = ["target(", ".target(", "testTarget(", ".executableTarget("]
    private static let laterLabels = [
        "exclude:", "resources:", "path:", "swiftSettings:", "cSettings:", "cxxSettings:",
        "linkerSettings:",
    ]

    /// All targets but system libraries.
    static func targets(_ text: String) -> [ManifestTarget] {
        let text = withoutComments(text)
        guard let start = text.ranges(of: "targets: [").last?.upperBound else { return [] }
        let groups = groups(text[..<start])
        var found: [ManifestTarget] = []
        var rest = text[start...]
        while let (call, arguments) = nextCall(&rest) {
            guard let name = literals(arguments).first else { continue }
            let folder = value(after: "path:", in: arguments)
            let parent = call == "testTarget(" ? "Tests" : "Sources"
            found.append(
                ManifestTarget(
                    name: name, folder: (folder ?? "\(parent)/\(name)") + "/",
                    dependencies: dependencies(arguments, groups)))
        }
        return found
    }

    /// Dependencies of targets that no file of the target imports.
    ///
    /// - Parameter files: those of the whole repository, generated ones too.
    static func unusedDependencies(_ targets: [ManifestTarget], _ files: [TextFile]) -> [String] {
        targets.flatMap { target -> [String] in
            let own = files.filter { $0.isSwift && $0.path.hasPrefix(target.folder) }
            let used = Set(own.flatMap { ImportRules.imports(of: $0.text) })
            return target.dependencies.filter { !used.contains($0) }.map {
                "Package.swift: no file of \(target.name) imports \($0); take it out of its dependencies"
            }
        }
    }

    private static func withoutComments(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
    }

    /// The next target in `text`, which is cut off behind it.
    private static func nextCall(_ text: inout Substring) -> (call: String, arguments: String)? {
        let places = calls.compactMap { call in
            String(text).firstPlace(of: call).map { (call, $0) }
        }
        guard let (call, offset) = places.min(by: { $0.1 < $1.1 }) else { return nil }
        let open = text.index(text.startIndex, offsetBy: offset + call.count)
        let arguments = balanced(text[open...])
        text = text[arguments.endIndex...]
        return (call, String(arguments))
    }

    /// The text up to the parenthesis that closes the one before it.
    private static func balanced(_ text: Substring) -> Substring {
        var depth = 1
        return text.prefix { character in
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            return depth > 0
        }
    }

    private static func dependencies(
        _ arguments: String, _ groups: [String: [String]]
    ) -> [String] {
        let end = laterLabels.compactMap { arguments.ranges(of: $0).first?.lowerBound }.min()
        let list = modules(String(arguments[..<(end ?? arguments.endIndex)]), groups)
        return Array(list.dropFirst())
    }

    /// The modules that an expression names: literals, products and groups of them.
    private static func modules(_ text: String, _ groups: [String: [String]]) -> [String] {
        var found: [String] = []
        var rest = text[...]
        while let first = rest.first {
            if first == "\"" {
                let literal = rest.dropFirst().prefix { $0 != "\"" }
                found.append(String(literal))
                rest = rest[literal.endIndex...].dropFirst()
            } else if first.isNamePart {
                let word = rest.prefix { $0.isNamePart }
                rest = rest[word.endIndex...]
                // The arguments of a product that follow its name say where it comes from.
                if word == "package" || word == "condition" {
                    rest = rest[balanced(rest).endIndex...]
                }
                found += groups[String(word)] ?? []
            } else {
                rest = rest.dropFirst()
            }
        }
        return found
    }

    /// The constants above the package, which name dependencies of several targets.
    private static func groups(_ text: Substring) -> [String: [String]] {
        var groups: [String: [String]] = [:]
        for part in ("\n" + text).split(separator: "\nlet ")
        where part.prefix(60).contains("Target.Dependency") {
            let name = String(part.prefix { $0.isNamePart })
            let value = part.drop { $0 != "=" }
            let end = value.ranges(of: "\n\n").first?.lowerBound ?? value.endIndex
            groups[name] = modules(String(value[..<end]), [:])
        }
        return groups
    }

    private static func literals(_ text: String) -> [String] { modules(text, [:]) }

    private static func value(after label: String, in text: String) -> String? {
        text.ranges(of: label).first.flatMap { literals(String(text[$0.upperBound...])).first }
    }
}

extension String {
    /// The number of characters before the first `word` that is not the end of a longer name.
    fileprivate func firstPlace(of word: String) -> Int? {
        ranges(of: word).first { found in
            guard found.lowerBound > startIndex, word.first?.isNamePart == true else { return true }
            let before = self[index(before: found.lowerBound)]
            return !before.isNamePart && before != "."
        }.map { distance(from: startIndex, to: $0.lowerBound) }
    }
}
