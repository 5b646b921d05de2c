// Rules about the content of files: the opening comment, raw pointers, and paths of one machine.

/// Checks of single files that are neither about imports, sizes nor calls.
enum FileRules {
    /// Files that may name a raw pointer without the suffix `+Unsafe.swift`: the one protocol whose
    /// callers own the buffer that is filled, the stores that implement it, and the digest over
    /// mapped memory.
    static let pointerFiles: Set = [
        "Sources/ObjectStore/ObjectStore.swift",
        "Sources/ObjectStore/FileStore.swift",
        "Sources/ObjectStore/MemoryStore.swift",
        "Sources/ObjectStore/ContentDigest.swift",
    ]

    static func openingComplaints(_ file: TextFile) -> [String] {
        guard file.isSwift, !file.text.hasPrefix("// ") else { return [] }
        return ["\(file.path): opens without a comment that says what the file owns"]
    }

    static func pointerComplaints(_ file: TextFile) -> [String] {
        guard file.isSwift, file.path.hasPrefix("Sources/"), !file.path.hasSuffix("+Unsafe.swift"),
            !pointerFiles.contains(file.path)
        else { return [] }
        let pointers = ["", "Mutable"].flatMap { mutable in
            ["", "Raw"].flatMap { raw in
                ["", "Buffer"].map { "Unsafe\(mutable)\(raw)\($0)Pointer" }
            }
        }
        let found = CodeOnly.lines(of: file.text).enumerated().filter { _, line in
            (pointers + ["OpaquePointer"]).contains { !line.places(of: $0).isEmpty }
        }
        return found.map {
            "\(file.path):\($0.offset + 1): raw pointers belong in a +Unsafe.swift file; take a Span"
        }
    }

    /// Folders that exist on one machine only. Spelt in pieces, or this file would complain about
    /// itself.
    static let machineFolders = ["work", "opt", "root", "home", "Users"].map { "/\($0)/" }

    static func machinePathComplaints(_ file: TextFile) -> [String] {
        let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().filter { _, line in
            machineFolders.contains { folder in
                line.ranges(of: folder).contains { place in
                    guard place.lowerBound > line.startIndex else { return true }
                    let before = line[line.index(before: place.lowerBound)]
                    return !before.isNamePart && before != "." && before != "-"
                }
            }
        }.map { "\(file.path):\($0.offset + 1): names a folder of one machine" }
    }
}
