// Writes to a folder so that a kill or a power cut at any moment leaves the old state or the new
// one.
internal import Glibc
internal import Synchronization
package import TesseraBase

extension FileStore {
    private static let whenFull = "free space there, or move the store to a larger disk"

    package func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        let path = try path(of: key)
        try await io.run { () throws(TesseraError) in
            let folder = Self.parent(of: path)
            let aside = try self.writeAside(bytes, in: folder)
            guard rename(aside, path) == 0 else {
                let failure = SystemFailure.error(errno, "write", path, whenFull: Self.whenFull)
                unlink(aside)
                throw failure
            }
            try Self.syncFolder(folder)
        }
    }

    package func create(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) -> Bool {
        let path = try path(of: key)
        return try await io.run { () throws(TesseraError) in
            let folder = Self.parent(of: path)
            let aside = try self.writeAside(bytes, in: folder)
            defer { unlink(aside) }
            guard try Self.linkIfAbsent(aside, path) else { return false }
            // Before the sync, so that one sync makes both the new name and the missing old one
            // last.
            unlink(aside)
            try Self.syncFolder(folder)
            return true
        }
    }

    /// A delete need not outlive a power cut: an object that comes back is swept again.
    package func delete(_ key: ObjectKey) async throws(TesseraError) {
        let path = try path(of: key)
        try await io.run { () throws(TesseraError) in
            guard unlink(path) != 0 else { return }
            switch errno {
            case ENOENT, ENOTDIR, EISDIR: return
            default: throw SystemFailure.error(errno, "delete", path)
            }
        }
    }

    private static func linkIfAbsent(
        _ aside: String, _ path: String
    ) throws(TesseraError) -> Bool {
        guard link(aside, path) != 0 else { return true }
        let code = errno
        switch code {
        case EEXIST:
            // Over NFS, a link call whose reply was lost is repeated and finds its own link: then
            // our file has two names.
            return (try? FileStatus.at(aside))?.links == 2
        case EPERM, EOPNOTSUPP, EMLINK, EXDEV:
            throw TesseraError(
                .unsupported,
                "the file system of '\(path)' has no hard links, which publishing needs to be safe; "
                    + "keep the store on a local disk or NFS")
        default:
            throw SystemFailure.error(code, "write", path, whenFull: Self.whenFull)
        }
    }

    /// Writes and syncs a temporary file in `folder`, which it creates where it is missing; returns
    /// its path.
    private func writeAside(_ bytes: [UInt8], in folder: String) throws(TesseraError) -> String {
        let path = folder + "/" + TemporaryName.make()
        let file = try openAside(path, in: folder)
        do throws(TesseraError) {
            try file.write(bytes, at: 0)
            try file.synchronise()
        } catch {
            file.discard()
            throw error
        }
        return path
    }

    private func openAside(
        _ path: String, in folder: String
    ) throws(TesseraError) -> OpenFile {
        try prepare(folder)
        do throws(TesseraError) {
            return try OpenFile.creatingNew(path, whenFull: Self.whenFull)
        } catch {
            guard error.code == .notFound else { throw error }
        }
        // The folder was removed since this process made it.
        _ = durableFolders.withLock { $0.remove(folder) }
        try prepare(folder)
        return try OpenFile.creatingNew(path, whenFull: Self.whenFull)
    }

    /// Creates `folder` and makes its own entry, and those above it up to the root, outlive a power
    /// cut.
    ///
    /// Folders that are there already are synced too, once a process: the process that made them
    /// may have died before.
    private func prepare(_ folder: String) throws(TesseraError) {
        if durableFolders.withLock({ $0.contains(folder) }) { return }
        var parents = try Self.makeFolders(folder)
        var child = folder
        while child.count > root.count {
            child = Self.parent(of: child)
            parents.insert(child)
        }
        for parent in parents { try Self.syncFolder(parent) }
        _ = durableFolders.withLock { $0.insert(folder) }
    }

    /// Like `mkdir -p`; returns the folders that got a new entry.
    private static func makeFolders(_ folder: String) throws(TesseraError) -> Set<String> {
        var missing: [String] = []
        var current = folder
        while try FileStatus.at(current) == nil, current != "/" {
            missing.append(current)
            current = parent(of: current)
        }
        for path in missing.reversed() where mkdir(path, 0o755) != 0 && errno != EEXIST {
            throw SystemFailure.error(errno, "create the folder", path, whenFull: Self.whenFull)
        }
        return Set(missing.map(parent))
    }

    private static func syncFolder(_ path: String) throws(TesseraError) {
        try OpenFile.folder(path).synchronise()
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
