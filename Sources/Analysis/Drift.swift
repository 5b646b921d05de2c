// Detects query drift: live queries that lie farther from the lists of the index than the queries
// stored with the version.
import Catalog
import Foundation
import Reporting
package import TesseraBase
package import VectorIndex

/// Live queries compared with the stored ones.
package struct Drift: Sendable, Equatable, Codable {
    /// Bounds that raise the alarm.
    package enum Bounds {
        /// Significance level: one false alarm in a thousand runs.
        package static let probability = 0.001
        /// Least excess of live queries beyond some distance, as a share. Smaller drifts can be
        /// significant with many queries, but have no practical effect.
        package static let difference = 0.1
        /// Fewest queries on either side; with fewer there is no verdict.
        package static let fewest = 20
    }

    /// What the distance of a query is measured to.
    package enum Basis: String, Sendable, Codable {
        /// The nearest list.
        case list
        /// The nearest cell: for inner products, where near lists need not be close.
        case cell
    }

    package let basis: Basis
    /// Numbers of distinct live queries and of queries they are compared with.
    package let queries: Int
    package let reference: Int
    /// Origin of the stored queries, `file` or `sample`, as in the manifest.
    package let referenceSource: String
    /// Medians of the Euclidean distance to the centroid of the nearest list or cell.
    package let medianDistance: Double
    package let referenceMedian: Double
    /// Shares of live queries beyond the 95th and 99th percentile of the stored ones: 0.05 and 0.01
    /// without drift.
    package let beyond95: Double
    package let beyond99: Double
    /// Effect size and p-value of ``Statistics/smirnov(_:below:)``.
    package let difference: Double
    package let probability: Double
    /// The verdict; nil if there are too few queries.
    package let alarm: Bool?

    /// Compares two sets of distances.
    ///
    /// - Parameters:
    ///   - live: squared distances of live queries; not empty.
    ///   - source: origin of the reference.
    package init(live: [Float], reference: CellReference, source: String, basis: Basis) {
        let distances = live.map { Double(max(0, $0)).squareRoot() }.sorted()
        let kept = reference.distances.map { Double(max(0, $0)).squareRoot() }
        let test = Statistics.smirnov(kept, below: distances)
        self.basis = basis
        queries = live.count
        self.reference = kept.count
        referenceSource = source
        medianDistance = Statistics.quantile(distances, 0.5).rounded(to: 5)
        referenceMedian = Statistics.quantile(kept, 0.5).rounded(to: 5)
        beyond95 = Self.share(live, beyond: reference.percentile95)
        beyond99 = Self.share(live, beyond: reference.percentile99)
        difference = test.difference.rounded(to: 5)
        probability = test.probability
        alarm =
            min(live.count, kept.count) < Bounds.fewest
            ? nil
            : test.probability < Bounds.probability && test.difference >= Bounds.difference
    }

    private static func share(_ live: [Float], beyond distance: Float) -> Double {
        (Double(live.count { $0 > distance }) / Double(live.count)).rounded(to: 5)
    }

    /// The verdict as a sentence.
    package var words: String {
        let place = basis.rawValue
        return switch alarm {
        case nil:
            "drift is not judged: \(queries) distinct queries against \(reference) are too few, "
                + "\(Bounds.fewest) are needed on both sides"
        case true?:
            "DRIFT: \(Wording.fixed(100 * beyond95, 1))% of the queries lie farther from their nearest \(place) than 95% of "
                + "those stored with the version, and at some distance \(Wording.fixed(100 * difference, 1))% more lie beyond it"
        case false?:
            "no drift: the queries lie about as far from their nearest \(place) as those stored with the version"
        }
    }

    /// What the verdict can be worth, given the origin of the reference.
    var remark: String {
        referenceSource == QuerySetReference.Source.sample.rawValue
            ? "drift is judged against vectors of the index, with their own effect on their list removed: "
                + "queries of another kind than the vectors raise the alarm from the first day; train or "
                + "tune with --queries to compare with real queries"
            : "drift is judged against the real queries stored with the version"
    }
}

extension Report {
    /// Throws `unmet` for an alarm, and if drift could not be judged.
    package func requireNoDrift() throws(TesseraError) {
        guard let drift else {
            throw TesseraError(
                .unmet,
                notes.first { $0.hasPrefix("drift is not judged") }
                    ?? "drift is not judged: the run did not get that far")
        }
        guard drift.alarm != false else { return }
        throw TesseraError(.unmet, drift.words)
    }

    var driftTable: ReportTable {
        guard let drift else { return ReportTable(title: "", rows: [], remark: "") }
        let verdict = drift.alarm.map { $0 ? "yes" : "no" } ?? "too few queries"
        return ReportTable(
            title: "Drift of the queries",
            rows: [
                ["", "queries", "median distance", "beyond p95", "beyond p99"],
                [
                    "stored with the version", "\(drift.reference)",
                    Wording.fixed(drift.referenceMedian, 4), "5.0%", "1.0%",
                ],
                [
                    "live", "\(drift.queries)", Wording.fixed(drift.medianDistance, 4),
                    Wording.fixed(100 * drift.beyond95, 1) + "%",
                    Wording.fixed(100 * drift.beyond99, 1) + "%",
                ],
            ],
            remark:
                "distance to the centroid of the nearest \(drift.basis.rawValue); alarm: \(verdict). At some distance "
                + "\(Wording.fixed(100 * drift.difference, 1))% more of the live queries lie beyond it; chance explains that with "
                + "p \(Wording.probability(drift.probability)) (one-sided Smirnov test). The alarm takes "
                + "\(Wording.fixed(100 * Drift.Bounds.difference, 0))% and p below \(Drift.Bounds.probability)"
        )
    }
}
