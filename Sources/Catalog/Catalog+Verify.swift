// Reads objects back and compares them with a manifest.
internal import ObjectStore
package import TesseraBase

/// One object that is not what a manifest says.
package struct ObjectProblem: Sendable {
    /// Kinds of problems.
    package enum Kind: String, Sendable {
        case missing
        case wrongSize
        case wrongDigest
        /// The store could not read it now; it may be sound.
        case unreadable
    }

    package let kind: Kind
    /// Names the object and what is wrong.
    package let message: String
    package let cause: TesseraError?
}

/// What a verification found.
package struct VerificationReport: Sendable {
    package let version: Int
    package let objects: Int
    package let bytes: UInt64
    /// All problems, not only the first.
    package let problems: [ObjectProblem]

    package var isSound: Bool { problems.isEmpty }
}

extension Catalog {
    /// Reads back every object of a version.
    package func verify(
        _ version: Int, progress: @escaping ProgressHandler = { _ in }
    ) async throws(TesseraError) -> VerificationReport {
        let expected = try await manifest(version).index.objects
        return VerificationReport(
            version: version, objects: expected.count,
            bytes: expected.reduce(0) { $0 &+ $1.bytes },
            problems: try await problems(of: expected, progress: progress))
    }

    /// Reads each of the objects, and returns those that are not what their descriptions say.
    func problems(
        of expected: [ExpectedObject], progress: @escaping ProgressHandler
    ) async throws(TesseraError) -> [ObjectProblem] {
        let report = { @Sendable (completed: Int) in
            progress(
                ProgressUpdate(
                    phase: "verifying objects", completed: completed, total: expected.count,
                    unit: "objects"))
        }
        return try await mapConcurrently(
            expected, width: options.concurrency, completed: report
        ) { object throws(TesseraError) in
            try await problem(of: object)
        }.compactMap { $0 }
    }

    private func problem(
        of object: ExpectedObject
    ) async throws(TesseraError) -> ObjectProblem? {
        let name = "object \(label(object.key))"
        do throws(TesseraError) {
            guard let info = try await store.head(object.key) else {
                return ObjectProblem(kind: .missing, message: "\(name) is missing", cause: nil)
            }
            guard info.size == object.bytes else {
                let message = "\(name) has \(info.size) bytes instead of \(object.bytes)"
                return ObjectProblem(kind: .wrongSize, message: message, cause: nil)
            }
            var digest = try await digest(of: object)
            if digest != object.digest {
                // It may have been damaged in transit: read once more, past cached copies.
                await store.invalidate(object.key)
                digest = try await self.digest(of: object)
            }
            guard digest == object.digest else {
                let message = "\(name) has changed: its content has digest \(digest)"
                return ObjectProblem(kind: .wrongDigest, message: message, cause: nil)
            }
            return nil
        } catch {
            if error.code == .cancelled { throw error }
            return ObjectProblem(
                kind: .unreadable, message: "\(name) cannot be read: \(error)", cause: error)
        }
    }

    /// Reads in pieces, so that memory is bounded by concurrency and not by the largest object.
    private func digest(of object: ExpectedObject) async throws(TesseraError) -> ContentDigest {
        let pieceBytes: UInt64 = 8 << 20
        var hasher = ContentHasher()
        var offset: UInt64 = 0
        while offset < object.bytes {
            let end = min(object.bytes, offset + pieceBytes)
            hasher.update(try await store.get(object.key, range: offset..<end))
            offset = end
        }
        return hasher.finish()
    }
}

/// An object as a description names it.
struct ExpectedObject: Sendable, Hashable {
    /// The prefix that keys of its kind share.
    let folder: String
    let key: ObjectKey
    let digest: ContentDigest
    let bytes: UInt64

    init(_ kind: ObjectKind, _ digest: ContentDigest, _ bytes: UInt64) {
        folder = kind.folder + "/"
        key = kind.key(digest)
        self.digest = digest
        self.bytes = bytes
    }
}

extension IndexDescription {
    /// Every object the description names, once.
    var objects: [ExpectedObject] {
        let all =
            [ExpectedObject(.router, router.digest, router.bytes)]
            + idTables.map { ExpectedObject(.idTable, $0.digest, $0.bytes) }
            + (queries.map { [ExpectedObject(.querySet, $0.digest, $0.bytes)] } ?? [])
            + shards.map { ExpectedObject(.shard, $0.digest, $0.bytes) }
        var seen: Set<ExpectedObject> = []
        return all.filter { seen.insert($0).inserted }
    }
}
