// Memory for kernels: on cache lines, in huge pages where it is large, and never moved.
#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A fixed number of plain values at an address that stays the same as long as this lives.
///
/// Kernels keep pointers into it: whoever hands them out keeps the array alive. Nothing writes to it once its owner has
/// filled it, so any number of threads may read it.
package final class AlignedArray<Element: BitwiseCopyable>: @unchecked Sendable {
    @inlinable package var base: UnsafeMutablePointer<Element> { memory }
    @usableFromInline package let memory: UnsafeMutablePointer<Element>
    package let count: Int

    /// - Parameter filling: what every element is at first.
    package convenience init(count: Int, filling: Element) {
        self.init(uninitialized: count)
        // Not specialised for its element, the general way takes a call for each.
        if withUnsafeBytes(of: filling, { bytes in bytes.allSatisfy { $0 == 0 } }) {
            memset(memory, 0, bytes)
        } else {
            memory.initialize(repeating: filling, count: count)
        }
    }

    /// Elements that hold anything until they are written; memory never written is never taken from the system.
    init(uninitialized count: Int) {
        let bytes = max(1, count) * MemoryLayout<Element>.stride
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: bytes, alignment: bytes >= hugePage ? hugePage : 64)
        #if canImport(Glibc)
            // Random reads of lists would otherwise miss the translation buffer as often as the cache.
            if bytes >= hugePage { _ = madvise(memory, bytes, MADV_HUGEPAGE) }
        #endif
        self.memory = memory.bindMemory(to: Element.self, capacity: count)
        self.count = count
    }

    package convenience init(_ elements: [Element], or empty: Element) {
        self.init(count: elements.count, filling: empty)
        elements.withUnsafeBufferPointer { source in
            if let first = source.baseAddress { base.update(from: first, count: count) }
        }
    }

    /// The same elements at another place.
    package convenience init(copying other: AlignedArray<Element>) {
        self.init(uninitialized: other.count)
        memory.update(from: other.memory, count: count)
    }

    deinit {
        UnsafeMutableRawPointer(memory).deallocate()
    }

    /// Bytes of memory.
    package var bytes: Int { count * MemoryLayout<Element>.stride }
}

private let hugePage = 2 << 20
