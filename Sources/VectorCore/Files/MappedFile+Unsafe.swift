// A read-only mapping of an input file. Pages that were read are given back, so that a pass over a
// file larger than memory keeps the process small; the page cache still keeps them.
import Glibc
package import TesseraBase

/// A file mapped into memory, readable from any thread.
///
/// A file cut short under the mapping would kill the process at the next touch. Its length is
/// therefore looked at before each access; only a cut in the middle of one is not caught.
package final class MappedFile: Sendable {
    package let path: String
    /// The file's length when it was opened, in bytes; never 0.
    package let count: Int
    private let file: OpenFile
    // Never written and unmapped only by deinit, so sharing it is sound.
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer

    /// Throws `notFound`, `unavailable`, or `invalidArgument` for folders, pipes and empty files.
    package init(path: String) throws(TesseraError) {
        file = try OpenFile.reading(path)
        self.path = path
        count = try file.size()
        guard count > 0 else {
            throw TesseraError(.invalidArgument, "\(path) is empty; write it again")
        }
        let mapped = mmap(nil, count, PROT_READ, MAP_PRIVATE, file.descriptor, 0)
        guard let mapped, mapped != MAP_FAILED else {
            throw SystemFailure.error(errno, "map", path)
        }
        base = mapped
        madvise(base, count, MADV_SEQUENTIAL)
    }

    deinit {
        munmap(base, count)
    }

    /// Calls `body` with all bytes, which are valid during the call only.
    ///
    /// - Throws: `unavailable` if the file was cut or grew since it was opened, and what `body`
    ///   throws.
    package func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(TesseraError) -> Result
    ) throws(TesseraError) -> Result {
        let now = try file.size()
        guard now == count else {
            throw TesseraError(
                .unavailable,
                "\(path) had \(count) bytes when it was opened and has \(now) now; "
                    + "leave it alone while it is read")
        }
        return try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// A copy of the first `length` bytes, or of all if there are fewer.
    package func head(_ length: Int) throws(TesseraError) -> [UInt8] {
        try withBytes { bytes in Array(bytes.prefix(length)) }
    }

    /// Drops the pages of a range from the process; they come back when touched.
    package func release(_ range: Range<Int>) {
        let page = Int(getpagesize())
        let start = range.lowerBound / page * page
        guard range.upperBound > start else { return }
        madvise(base + start, range.upperBound - start, MADV_DONTNEED)
    }

    /// Turns read-ahead off, for reads far apart, or on again.
    package func readAhead(_ wanted: Bool) {
        madvise(base, count, wanted ? MADV_SEQUENTIAL : MADV_RANDOM)
    }
}
