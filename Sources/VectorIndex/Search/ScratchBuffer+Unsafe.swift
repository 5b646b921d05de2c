// Memory of one query at a time. It is here, and not in VectorCore, so that the compiler specialises it where it is used:
// across modules it does not do so for what is no more than `package`.

/// Scratch memory that grows and is used again. Its owner frees it.
struct ScratchBuffer<Element: BitwiseCopyable> {
    var base: UnsafeMutablePointer<Element>
    var capacity: Int

    init() {
        capacity = 0
        base = Self.allocate(0)
    }

    static func allocate(_ count: Int) -> UnsafeMutablePointer<Element> {
        UnsafeMutableRawPointer.allocate(
            byteCount: max(1, count) * MemoryLayout<Element>.stride, alignment: 64
        ).bindMemory(to: Element.self, capacity: count)
    }

    /// Makes room for `count` elements; the first `keeping` survive.
    mutating func reserve(_ count: Int, keeping: Int = 0) {
        guard count > capacity else { return }
        let larger = Self.allocate(max(count, 2 * capacity))
        for index in 0..<keeping { larger[index] = base[index] }
        free()
        base = larger
        capacity = max(count, 2 * capacity)
    }

    func free() {
        UnsafeMutableRawPointer(base).deallocate()
    }
}
