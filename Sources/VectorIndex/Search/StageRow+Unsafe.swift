// Stages of several queries side by side.

/// Up to `capacity` stages, each put in once and taken out once.
struct StageRow<Stage: ~Copyable>: ~Copyable {
    private let base: UnsafeMutablePointer<Stage>
    private let capacity: Int
    /// A bit for each stage that is there.
    private var present: UInt64 = 0

    /// - Precondition: `capacity` is at most 64.
    init(capacity: Int) {
        precondition(capacity <= 64, "one bit a stage")
        self.capacity = capacity
        base = .allocate(capacity: capacity)
    }

    deinit {
        for index in 0..<capacity where present >> UInt64(index) & 1 != 0 {
            (base + index).deinitialize(count: 1)
        }
        base.deallocate()
    }

    mutating func put(_ stage: consuming Stage, at index: Int) {
        precondition(index < capacity && present >> UInt64(index) & 1 == 0, "a free place")
        (base + index).initialize(to: stage)
        present |= 1 << UInt64(index)
    }

    mutating func take(_ index: Int) -> Stage {
        check(index)
        present &= ~(1 << UInt64(index))
        return (base + index).move()
    }

    subscript(index: Int) -> Stage {
        _read {
            check(index)
            yield base[index]
        }
        _modify {
            check(index)
            yield &base[index]
        }
    }

    private func check(_ index: Int) {
        precondition(
            index >= 0 && index < capacity && present >> UInt64(index) & 1 != 0,
            "no stage is at this place")
    }
}
