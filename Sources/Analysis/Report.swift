// The report on one version, for people and programs. Stages that were not measured are absent.
package import Foundation
package import Reporting

/// A report. Its JSON has sorted keys.
package struct Report: Sendable, Codable {
    package var format = "tessera.performance"
    package var formatVersion = 1
    /// False if the run ended early: `stoppedBy` has the reason, and everything present was
    /// measured.
    package var complete = false
    package var stoppedBy: String?
    package var createdAt: Date
    /// Notes that a reader needs to judge the figures.
    package var notes: [String] = []
    package var subject: Subject
    package var machine: MachineDescription
    package var settings: Settings
    package var truth: TruthSummary?
    package var recall: [RecallLine] = []
    package var curve: [CurvePoint] = []
    package var closedLoop: LoadSummary?
    package var openLoop: LoadSummary?
    /// Mean counts and stage times of the closed loop.
    package var work: MeanReceipt?
    package var tiers: [Tier] = []
    package var memory: Memory?
    package var cold: StoreReads?
    package var warm: StoreReads?
    package var costs: Costs?
    package var classic: ClassicTable?
    package var cells: [Cell] = []
    /// Set if the queries are live ones.
    package var drift: Drift?
    /// Set if a running coordinator was measured.
    package var coordinator: CoordinatorView?
    /// Seconds that each stage of the run took.
    package var seconds: [String: Double] = [:]
}

extension Report {
    /// The measured version.
    package struct Subject: Sendable, Codable {
        package var store: String
        package var index: String
        package var version: Int
        package var vectors: Int
        package var dimension: Int
        package var metric: String
        package var shards: Int
        package var lists: Int
        /// Bytes of a vector's code.
        package var codeBytes: Double
        package var refine: String
        package var partition: String
    }

    /// The settings of the run.
    package struct Settings: Sendable, Codable {
        package var nprobe: Int
        package var refineDepth: Int
        package var probeShards: Int
        package var k: Int
        package var concurrency: Int
        package var queries: Int
        package var queriesFrom: String
        package var seed: UInt64
        /// `memory`: codes in RAM; `store`: read from the store as needed; `coordinator`: over
        /// HTTP.
        package var mode: String
    }

    /// Where the exact neighbours come from.
    package struct TruthSummary: Sendable, Codable {
        package var from: String
        package var queries: Int
        /// Whether only some of the queries were compared, for lack of time.
        package var sampled: Bool
        package var cached: Bool
    }

    /// Recall at one depth, with its 95% interval.
    package struct RecallLine: Sendable, Codable {
        package var k: Int
        package var recall: Double
        package var low: Double
        package var high: Double
        package var standardError: Double
        package var queries: Int
        package var truth: String
    }

    /// Recall and throughput at one operating point.
    package struct CurvePoint: Sendable, Codable {
        package var nprobe: Int
        package var refineDepth: Int
        package var recall: Double
        package var low: Double
        package var high: Double
        package var queriesPerSecond: Double
        package var p50Microseconds: Double
        package var codesScanned: Double
        package var rowsRefined: Double
    }

    /// The result of one load.
    package struct LoadSummary: Sendable, Codable {
        /// A range of latencies.
        package struct Bucket: Sendable, Codable {
            /// Upper end of the bucket.
            package var microseconds: Double
            package var queries: Int
        }

        package var concurrency: Int
        /// Offered rate of an open loop.
        package var ratePerSecond: Double?
        package var seconds: Double
        package var queries: Int
        package var queriesPerSecond: Double
        package var meanMicroseconds: Double
        package var p50Microseconds: Double
        package var p90Microseconds: Double
        package var p99Microseconds: Double
        package var p999Microseconds: Double
        package var maxMicroseconds: Double
        package var histogram: [Bucket]
    }

    /// A part of the index, and what queries read of it.
    package struct Tier: Sendable, Codable {
        package var name: String
        /// Where the tier lies during a search.
        package var place: String
        package var bytes: Double
        package var bytesPerVector: Double
        /// Bytes of it that the mean query reads.
        package var bytesPerQuery: Double
        package var itemsPerQuery: Double
        package var item: String
    }

    /// Bytes in memory and in the store.
    package struct Memory: Sendable, Codable {
        package var codes: Double
        package var models: Double
        package var perVector: Double
        /// Resident memory of the process, queries and exact neighbours included.
        package var resident: Double
        package var stored: Double
        package var storedPerVector: Double
    }

    /// A shard, and the recall of the queries that end up in it.
    package struct Cell: Sendable, Codable {
        package var shard: Int
        package var vectors: Int
        package var lists: Int
        package var bytes: Double
        /// Queries whose nearest hit lies in this shard.
        package var queries: Int
        /// Their mean recall; nil if there are none.
        package var recall: Double?
    }
}

extension Report.LoadSummary {
    /// Summarizes a load in buckets of microseconds, four per doubling.
    package init(_ result: LoadResult, concurrency: Int, rate: Double?) {
        let sorted = result.latencies.map { $0 * 1e6 }.sorted()
        func at(_ share: Double) -> Double { Statistics.quantile(sorted, share).rounded(to: 1) }
        var buckets: [Int: Int] = [:]
        for value in sorted {
            buckets[Int((log2(max(value, 1)) * 4).rounded(.down)), default: 0] += 1
        }
        self.init(
            concurrency: concurrency, ratePerSecond: rate?.rounded(to: 1),
            seconds: result.elapsed.rounded(to: 3), queries: sorted.count,
            queriesPerSecond: result.queriesPerSecond.rounded(to: 1),
            meanMicroseconds: Statistics.mean(sorted).rounded(to: 1), p50Microseconds: at(0.5),
            p90Microseconds: at(0.9), p99Microseconds: at(0.99), p999Microseconds: at(0.999),
            maxMicroseconds: (sorted.last ?? 0).rounded(to: 1),
            histogram: ((buckets.keys.min() ?? 0)...(buckets.keys.max() ?? 0))
                .map { bucket in
                    Bucket(
                        microseconds: pow(2, Double(bucket + 1) / 4).rounded(to: 2),
                        queries: buckets[bucket] ?? 0)
                })
    }
}
