// Running the same thing on two instruction sets.
import Testing
import VectorCore

enum InstructionSets {
    /// Those this machine has beside the scalar definition.
    static let fast = ["avx2", "avx512"].filter { set in
        let best = Kernels.instructionSet
        defer { _ = Kernels.force(instructionSet: best) }
        return Kernels.force(instructionSet: set)
    }

    /// What `body` gives on the scalar kernels and on `set`, and the best set restored.
    static func compare<Value>(_ set: String, _ body: () -> Value) -> (scalar: Value, other: Value)
    {
        let best = Kernels.instructionSet
        defer { _ = Kernels.force(instructionSet: best) }
        _ = Kernels.force(instructionSet: "scalar")
        let scalar = body()
        #expect(Kernels.force(instructionSet: set))
        return (scalar, body())
    }
}
