// The machine that a report was measured on.
import Foundation
import TesseraBase
import VectorCore

/// Processor and system, for people who compare reports.
package struct MachineDescription: Sendable, Codable {
    package var cores: Int
    package var instructionSet: String
    package var system: String

    /// The machine this process runs on.
    package static var current: MachineDescription {
        MachineDescription(
            cores: UsableCores.count, instructionSet: Kernels.instructionSet,
            system: ProcessInfo.processInfo.operatingSystemVersionString)
    }
}
