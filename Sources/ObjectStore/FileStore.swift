// A store in a folder: a key is a path under the root.
//
// Invariants: an object's file is complete and on disk before its name appears (written aside, then
// linked or renamed into place); `create` relies on link(2), which is atomic between processes;
// names of files that are still being written are never listed or read. Nothing is created before
// the first write.
internal import Foundation
internal import Synchronization
package import TesseraBase

/// Keeps objects as files under a folder of this machine.
package final class FileStore: ObjectStore {
    /// Absolute, without a slash at its end.
    package let root: String
    let io = BlockingIO.shared
    /// Folders whose own entries this process has synced up to the root.
    let durableFolders = Mutex<Set<String>>([])

    /// - Parameter root: an absolute path; it need not exist yet.
    package init(root: String) {
        precondition(
            root.hasPrefix("/"), "the root of a file store is an absolute path, not \(root)")
        self.root = root.count > 1 && root.hasSuffix("/") ? String(root.dropLast()) : root
    }

    package let isLocal = true
    package var address: String {
        var plain = CharacterSet.urlPathAllowed
        plain.remove(charactersIn: "%")
        return "file://" + (root.addingPercentEncoding(withAllowedCharacters: plain) ?? root)
    }

    package func get(
        _ key: ObjectKey, range: Range<UInt64>?
    ) async throws(TesseraError) -> [UInt8] {
        let path = try path(of: key)
        return try await io.run { () throws(TesseraError) in
            let file = try OpenObject(path)
            let range = range ?? 0..<file.size
            try RangeReads.check(range, size: file.size, of: "'\(path)'")
            return try file.content.bytes(range)
        }
    }

    package func get(
        _ key: ObjectKey, ranges: [Range<UInt64>]
    ) async throws(TesseraError) -> [[UInt8]] {
        let path = try path(of: key)
        return try await io.run { () throws(TesseraError) in
            let file = try OpenObject(path)
            for range in ranges {
                try RangeReads.check(range, size: file.size, of: "'\(path)'")
            }
            let reads = RangeReads.coalesce(ranges)
            var buffers: [[UInt8]] = []
            for read in reads { buffers.append(try file.content.bytes(read.span)) }
            return RangeReads.distribute(buffers, of: reads, to: ranges)
        }
    }

    package func head(_ key: ObjectKey) async throws(TesseraError) -> ObjectInfo? {
        let path = try path(of: key)
        return try await io.run { () throws(TesseraError) in
            guard let status = try FileStatus.at(path), status.kind == .file else { return nil }
            return ObjectInfo(key: key, size: status.size, modified: status.modified)
        }
    }

    /// Opens the file on the calling thread and holds it, so that the object stays readable after a
    /// delete.
    package func blockingReader(_ key: ObjectKey) throws(TesseraError) -> (any BlockingReader)? {
        FileReader(try OpenObject(path(of: key)))
    }

    func path(of key: ObjectKey) throws(TesseraError) -> String {
        try ObjectKeyRule.check(key)
        return root == "/" ? root + key : root + "/" + key
    }
}

/// A file that was found to be an object, with its size.
struct OpenObject: Sendable {
    let content: OpenFile
    let size: UInt64

    init(_ path: String) throws(TesseraError) {
        content = try Self.opened(path)
        let status = try content.status()
        guard status.kind == .file else { throw Self.missing(path) }
        size = status.size
    }

    private static func opened(_ path: String) throws(TesseraError) -> OpenFile {
        do throws(TesseraError) {
            return try OpenFile.existing(path)
        } catch {
            // A path through a file, or one too long for the disk, is no object either.
            let isMissing = error.code == .notFound || error.code == .invalidArgument
            throw isMissing ? missing(path) : error
        }
    }

    private static func missing(_ path: String) -> TesseraError {
        TesseraError(.notFound, "there is no object '\(path)'")
    }
}

/// Reads one file on the calling thread; threads may share it.
private final class FileReader: BlockingReader {
    private let object: OpenObject

    init(_ object: OpenObject) {
        self.object = object
    }

    var size: UInt64 { object.size }

    func read(
        at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(TesseraError) {
        try object.content.read(into: buffer, at: offset)
    }
}
