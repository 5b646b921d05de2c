// Scratch memory of a query. It is here, and not in VectorCore, so that the compiler specialises it
// where it is used: across modules it does not specialise what is `package`.

/// Uninitialised memory that grows and is used again; freed with its owner.
struct ScratchBuffer<Element: BitwiseCopyable>: ~Copyable {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var capacity: Int

    init() {
        capacity = 0
        base = Self.allocate(0)
    }

    deinit {
        UnsafeMutableRawPointer(base).deallocate()
    }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
        UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count) * MemoryLayout<Element>.stride, alignment: 64
        ).bindMemory(to: Element.self, capacity: count)
    }

    /// Makes room for `count` elements; the first `keeping` survive.
    mutating func reserve(_ count: Int, keeping: Int = 0) {
        guard count > capacity else { return }
        let room = max(count, 2 * capacity)
        let larger = Self.allocate(room)
        for index in 0..<keeping { larger[index] = base[index] }
        UnsafeMutableRawPointer(base).deallocate()
        base = larger
        capacity = room
    }
}
