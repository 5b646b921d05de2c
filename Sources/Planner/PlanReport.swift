// Plans with the evidence for them: what was measured, and the error of the same laws at a known
// size.
package import Foundation
package import Reporting
import VectorCore

/// The planner's answers. Its JSON has sorted keys.
package struct PlanReport: Sendable, Codable {
    package var format = "tessera.plan"
    package var formatVersion = 1
    package var createdAt: Date
    package var machine: MachineDescription
    package var seed: UInt64
    package var sample: Sample
    /// Measured scales, ascending by size.
    package var scales: [Scale]
    package var builds: [BuildTime]
    package var probe: MachineProbe
    package var times: TimeModel
    /// The largest scale, predicted from the others.
    package var heldOut: [HeldOutLine]
    package var plans: [Plan]
    package var notes: [String]
    /// Seconds of the whole run.
    package var seconds: Double

    /// What was calibrated with.
    package struct Sample: Sendable, Codable {
        package var from: String
        package var dimension: Int
        package var metric: String
        package var shardSize: Int
    }

    init(
        createdAt: Date, machine: MachineDescription, calibration: Calibration, probe: MachineProbe,
        plans: [Plan], seed: UInt64, seconds: Double
    ) {
        self.createdAt = createdAt
        self.machine = machine
        self.seed = seed
        sample = Sample(
            from: calibration.sampleName, dimension: calibration.dimension,
            metric: calibration.metric.rawValue, shardSize: calibration.shardSize)
        scales = calibration.scales
        builds = calibration.builds
        self.probe = probe
        times = calibration.times
        heldOut = calibration.heldOut
        self.plans = plans
        notes = calibration.notes
        self.seconds = seconds.rounded(to: 1)
    }
}
