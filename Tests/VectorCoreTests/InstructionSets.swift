// Running the same thing on two instruction sets.
import Testing
import VectorCore

enum InstructionSets {
    /// Those this machine has, the scalar definition among them.
    static let all = Kernels.instructionSets
    /// Those that have to agree with it.
    static let fast = all.filter { $0 != "scalar" }

    /// What `body` gives on `set`; the set that was in use is in use again after it.
    static func on<Value>(_ set: String, _ body: () throws -> Value) rethrows -> Value {
        let before = Kernels.instructionSet
        defer { _ = Kernels.force(instructionSet: before) }
        #expect(Kernels.force(instructionSet: set))
        return try body()
    }

    /// What `body` gives on the scalar kernels and on `set`.
    static func compare<Value>(_ set: String, _ body: () -> Value) -> (scalar: Value, other: Value)
    {
        (on("scalar", body), on(set, body))
    }
}
