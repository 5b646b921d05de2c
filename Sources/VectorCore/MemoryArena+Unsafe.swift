// Many pieces of memory side by side in huge pages, where each alone would be too small for one.
import CVectorKernels
import Synchronization

/// The memory of the whole process.
package enum ProcessMemory {
    /// Makes malloc return large blocks as soon as they are freed. By default it raises its
    /// threshold when whole sections are read, copied and freed, and keeps blocks of that size: a
    /// third of a search's memory was unused.
    package static func returnLargeBlocks() {
        tsr_return_large_memory(4 << 20)
    }
}

/// Hands out memory piece by piece. A piece lives while it is referenced, and keeps its chunk
/// alive.
package final class MemoryArena: Sendable {
    private struct State {
        var chunk: AlignedArray<UInt8>?
        var used = 0
    }

    private let chunkSize: Int
    private let state = Mutex(State())

    /// - Parameter chunkSize: bytes taken from the system at a time; 0 for pieces that are given
    ///   back one by one.
    package init(chunkSize: Int = 64 << 20) {
        self.chunkSize = chunkSize
    }

    /// A copy of `bytes`, on a cache line.
    package func store(_ bytes: [UInt8]) -> ArenaBytes {
        let piece = state.withLock { state in
            if state.chunk.map({ state.used + bytes.count > $0.count }) ?? true {
                state.chunk = AlignedArray(uninitialized: max(chunkSize, bytes.count))
                state.used = 0
            }
            let start = state.used
            state.used += (bytes.count + 63) / 64 * 64
            return ArenaBytes(chunk: state.chunk, start: start, count: bytes.count)
        }
        piece.fill(bytes)
        return piece
    }
}

/// Bytes in a ``MemoryArena``. Read-only once made.
package struct ArenaBytes: Sendable {
    private let chunk: AlignedArray<UInt8>?
    private let start: Int
    package let count: Int

    fileprivate init(chunk: AlignedArray<UInt8>?, start: Int, count: Int) {
        self.chunk = chunk
        self.start = start
        self.count = count
    }

    /// The bytes; valid while this object lives.
    package var base: UnsafePointer<UInt8>? { chunk.map { UnsafePointer($0.base + start) } }

    fileprivate func fill(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { source in
            if let first = source.baseAddress, let chunk {
                (chunk.base + start).update(from: first, count: count)
            }
        }
    }
}
