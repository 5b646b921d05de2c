// Lists the folder: objects, subfolders, and temporary files of killed writers.
package import Foundation
internal import Glibc
package import TesseraBase

extension FileStore {
    package func list(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try await walk(prefix: prefix).filter { !TemporaryName.matches(Self.name(of: $0.key)) }
    }

    package func staleTemporaryFiles(
        prefix: String, olderThan date: Date, apply: Bool
    ) async throws(TesseraError) -> [ObjectInfo] {
        let stale = try await walk(prefix: prefix).filter {
            TemporaryName.matches(Self.name(of: $0.key)) && $0.modified < date
        }
        guard apply else { return stale }
        try await io.run { () throws(TesseraError) in
            for file in stale {
                let path = self.root + "/" + file.key
                guard unlink(path) != 0, errno != ENOENT else { continue }
                throw SystemFailure.error(errno, "delete", path)
            }
        }
        return stale
    }

    package func subfolders(of folder: String) async throws(TesseraError) -> [String] {
        let path = folder.isEmpty ? root : try path(of: folder)
        return try await io.run { () throws(TesseraError) in
            var names: [String] = []
            for name in try Self.entries(of: path) {
                guard let status = try? FileStatus.at(path + "/" + name), status.kind == .folder
                else { continue }
                names.append(name)
            }
            return names.sorted(by: ObjectKeyRule.precedes)
        }
    }

    /// All files whose key begins with `prefix`, temporary ones too, ascending.
    private func walk(prefix: String) async throws(TesseraError) -> [ObjectInfo] {
        try ObjectKeyRule.check(prefix: prefix)
        return try await io.run { () throws(TesseraError) in
            let (folder, rest) = ObjectKeyRule.split(prefix: prefix)
            var walk = FolderWalk(root: self.root, nameStart: rest)
            try walk.visit(folder, above: [])
            return walk.found.sorted { ObjectKeyRule.precedes($0.key, $1.key) }
        }
    }

    private static func name(of key: ObjectKey) -> Substring {
        key[(key.lastIndex(of: "/").map { key.index(after: $0) } ?? key.startIndex)...]
    }

    /// The names in a folder, in no order; none where there is no such folder.
    fileprivate static func entries(of path: String) throws(TesseraError) -> [String] {
        guard let stream = opendir(path) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw SystemFailure.error(errno, "list", path)
        }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    // A name that is not UTF-8 is no key, so no object of ours.
                    String(validatingCString: $0)
                }
            }
            if let name, name != ".", name != ".." { names.append(name) }
            errno = 0
        }
        guard errno == 0 else { throw SystemFailure.error(errno, "list", path) }
        return names
    }
}

/// Collects the files below a folder. Entries may disappear while it walks.
private struct FolderWalk {
    let root: String
    /// Prefix of the names that are visited in the first folder.
    let nameStart: String
    var found: [ObjectInfo] = []

    init(root: String, nameStart: String) {
        self.root = root
        self.nameStart = nameStart
    }

    /// Visits the folder with key `folder` ("" is the root).
    ///
    /// Symbolic links are followed, so that an index can lie on another disk; `above` holds the
    /// folders on the way here, so that a link to one of them does not turn the walk into a circle.
    mutating func visit(_ folder: ObjectKey, above: [FileStatus.Identity]) throws(TesseraError) {
        let path = folder.isEmpty ? root : root + "/" + folder
        for name in try FileStore.entries(of: path)
        where !above.isEmpty || name.hasPrefix(nameStart) {
            guard let status = try? FileStatus.at(path + "/" + name) else { continue }
            let key = folder.isEmpty ? name : folder + "/" + name
            if status.kind == .file {
                found.append(ObjectInfo(key: key, size: status.size, modified: status.modified))
            } else if status.kind == .folder {
                let identity = status.identity
                guard !above.contains(identity) else { continue }
                try visit(key, above: above + [identity])
            }
        }
    }
}
