// A mistake of a user, as an argument of tests.
import Testing

/// A mistake: the arguments, and the expected words.
struct Mistake: CustomTestStringConvertible {
    let testDescription: String
    let command: String
    let arguments: [String]
    let status: Int32
    let says: [String]
    /// Prepares the bad input.
    let prepare: @Sendable (Workplace) throws -> Void

    init(
        _ command: String, _ arguments: [String], _ status: Int32, _ says: [String],
        prepare: @escaping @Sendable (Workplace) throws -> Void = { _ in }
    ) {
        testDescription = "\(command) \(arguments.joined(separator: " "))"
        self.command = command
        self.arguments = arguments
        self.status = status
        self.says = says
        self.prepare = prepare
    }
}
