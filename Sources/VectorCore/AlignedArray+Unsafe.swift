// Memory for kernels: aligned to cache lines, in huge pages if large, and never moved.
#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A fixed number of plain values at an address that stays the same as long as this lives.
///
/// Kernels keep pointers into it, so the owner of such a pointer has to keep the array alive.
/// Nothing writes to it once its owner has filled it, so any number of threads may read it.
package final class AlignedArray<Element: BitwiseCopyable>: @unchecked Sendable {
    @inlinable package var base: UnsafeMutablePointer<Element> { memory }
    @usableFromInline package let memory: UnsafeMutablePointer<Element>
    package let count: Int

    /// - Parameter filling: initial value of every element.
    package convenience init(count: Int, filling: Element) {
        self.init(uninitialized: count)
        // The generic initialiser makes a call per element unless it is specialised.
        if withUnsafeBytes(of: filling, { bytes in bytes.allSatisfy { $0 == 0 } }) {
            memset(memory, 0, bytes)
        } else {
            memory.initialize(repeating: filling, count: count)
        }
    }

    /// Uninitialised elements. Pages that are never written are never taken from the system.
    init(uninitialized count: Int) {
        let bytes = max(1, count) * MemoryLayout<Element>.stride
        let memory = UnsafeMutableRawPointer.allocate(
            byteCount: bytes, alignment: bytes >= hugePage ? hugePage : 64)
        #if canImport(Glibc)
            // Without huge pages, random reads of lists would miss the TLB as often as the cache.
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

    /// A copy of the elements at another address.
    package convenience init(copying other: AlignedArray<Element>) {
        self.init(uninitialized: other.count)
        memory.update(from: other.memory, count: count)
    }

    deinit {
        UnsafeMutableRawPointer(memory).deallocate()
    }

    /// Size in bytes.
    package var bytes: Int { count * MemoryLayout<Element>.stride }
}

private let hugePage = 2 << 20
