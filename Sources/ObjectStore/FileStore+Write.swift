// Writing to a folder so that a kill or a power cut at any moment leaves the old state or the new one.
internal import Glibc
internal import Synchronization
package import TesseraBase

extension FileStore {
    package func put(_ key: ObjectKey, _ bytes: [UInt8]) async throws(TesseraError) {
        let path = try path(of: key)
        try await io.run { () throws(TesseraError) in
            let folder = Self.parent(of: path)
            let aside = try self.writeAside(bytes, in: folder)
            guard rename(aside, path) == 0 else {
                let failure = SystemFailure.error(errno, "write", path)
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
            // Before the sync, so that one sync makes both the new name and the missing old one last.
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
            // Over NFS a link whose answer was lost is tried again and finds itself: then our file has two names.
            var status = stat()
            return stat(aside, &status) == 0 && status.st_nlink == 2
        case EPERM, EOPNOTSUPP, EMLINK, EXDEV:
            throw TesseraError(
                .unsupported,
                "the file system of '\(path)' has no hard links, which publishing needs to be safe; "
                    + "keep the store on a local disk or NFS")
        default:
            throw SystemFailure.error(code, "write", path)
        }
    }

    /// Writes and syncs a temporary file in `folder`, which it creates where it is missing; returns its path.
    private func writeAside(_ bytes: [UInt8], in folder: String) throws(TesseraError) -> String {
        let path = folder + "/" + TemporaryName.make()
        let file = try openAside(path, in: folder)
        do throws(TesseraError) {
            try file.writeAndSync(bytes)
        } catch {
            unlink(path)
            throw error
        }
        return path
    }

    private func openAside(
        _ path: String, in folder: String
    ) throws(TesseraError) -> FileDescriptor {
        let flags = O_WRONLY | O_CREAT | O_EXCL
        try prepare(folder)
        do throws(TesseraError) {
            return try FileDescriptor(open: path, flags: flags, mode: 0o644)
        } catch {
            guard error.code == .notFound else { throw error }
        }
        // Somebody removed the folder since this process made it.
        _ = durableFolders.withLock { $0.remove(folder) }
        try prepare(folder)
        return try FileDescriptor(open: path, flags: flags, mode: 0o644)
    }

    /// Creates `folder` and makes its own entry, and those above it up to the root, outlive a power cut.
    ///
    /// Folders that are there already are synced too, once a process: whoever made them may have died before.
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
        var status = stat()
        while stat(current, &status) != 0, errno == ENOENT, current != "/" {
            missing.append(current)
            current = parent(of: current)
        }
        for path in missing.reversed() where mkdir(path, 0o755) != 0 && errno != EEXIST {
            throw SystemFailure.error(errno, "create the folder", path)
        }
        return Set(missing.map(parent))
    }

    private static func syncFolder(_ path: String) throws(TesseraError) {
        try FileDescriptor(open: path, flags: O_RDONLY | O_DIRECTORY).sync()
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
