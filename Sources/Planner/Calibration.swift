// The input and the result of a calibration.
package import Catalog
package import ObjectStore
import TesseraBase
package import VectorCore

/// What to calibrate with.
package struct CalibrationPlan: Sendable {
    /// A file of vectors; nil if only a version is given.
    package var vectorsPath: String?
    package var idsPath: String?
    package var queriesPath: String?
    /// Metric of the file; a version has its own.
    package var metric = Metric.l2
    /// Number of vectors that indexes are built of.
    package var sample = 1_000_000
    package var queries = 500
    package var shardSize: Int?
    package var codeSize: Int?
    package var backend: String?
    package var seed: UInt64 = 42
    package var scratch: String
    /// Bytes that copies of an index may take while it is timed.
    package var memoryBudget: Double
    /// Whether searches are timed with refine rows and ids in memory, as the planner assumes.
    package var timesRowsInMemory = true
    package var timedQueries = Int.max
    package var timedRounds = 3

    package init(scratch: String) {
        self.scratch = scratch
        memoryBudget = min(4 * 0x1p30, Double(AvailableMemory.bytes()) / 4)
    }
}

/// A published version to calibrate with.
package struct PublishedScale: Sendable {
    package let manifest: Manifest
    package let catalog: Catalog

    let base: any ObjectStore

    package init(_ manifest: Manifest, _ base: any ObjectStore, _ catalog: Catalog) {
        self.manifest = manifest
        self.base = base
        self.catalog = catalog
    }
}

/// Everything that was learned.
package struct Calibration: Sendable {
    let sampleName: String
    let dimension: Int
    let metric: Metric
    let shardSize: Int
    let rowBytes: Double
    package let scales: [Scale]
    let builds: [BuildTime]
    package let growth: GrowthModel
    package let times: TimeModel
    package let probe: MachineProbe
    package let heldOut: [HeldOutLine]
    let largest: LoadedScale
    package let routing: Routing
    let notes: [String]
}
