// Whether people ask for something else than the index was made for: live queries lie farther from the lists of the index
// than the queries that the version keeps.
import Catalog
import Foundation
import Reporting
package import TesseraBase
package import VectorIndex

/// Live queries beside those that a version keeps.
package struct Drift: Sendable, Equatable, Codable {
    /// What has to be seen for an alarm.
    package enum Bounds {
        /// Of the chance that nothing has changed: one false alarm in a thousand runs.
        package static let probability = 0.001
        /// By which share more of the live queries lie beyond some distance. Smaller drifts are real where there are queries
        /// enough, and change nothing anybody would notice.
        package static let difference = 0.1
        /// Fewer queries on either side say nothing.
        package static let fewest = 20
    }

    /// What queries lie near to.
    package enum Basis: String, Sendable, Codable {
        /// The list nearest to each.
        case list
        /// The cell nearest to each: for inner products, where near lists need not be close.
        case cell
    }

    package let basis: Basis
    /// Live queries that differ from one another, and those they are held against.
    package let queries: Int
    package let reference: Int
    /// `file` or `sample`, as the manifest has it.
    package let referenceSource: String
    /// Medians of the Euclidean distance to the centroid of the nearest list or cell.
    package let medianDistance: Double
    package let referenceMedian: Double
    /// The share of live queries beyond what 95 and 99 of 100 kept ones do not exceed: 0.05 and 0.01 where nothing drifts.
    package let beyond95: Double
    package let beyond99: Double
    /// The effect and its probability, as ``Statistics/smirnov(_:below:)`` has them.
    package let difference: Double
    package let probability: Double
    /// Nil where there are too few queries to say.
    package let alarm: Bool?

    /// - Parameters:
    ///   - live: squared distances; some.
    ///   - source: of the reference.
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

    /// The verdict, for people.
    package var words: String {
        let place = basis.rawValue
        return switch alarm {
        case nil:
            "drift is not judged: \(queries) different queries beside \(reference) are too few, "
                + "\(Bounds.fewest) are needed on both sides"
        case true?:
            "DRIFT: \(Wording.fixed(100 * beyond95, 1))% of the queries lie farther from their nearest \(place) than 95% of "
                + "those the version keeps, and at some distance \(Wording.fixed(100 * difference, 1))% more lie beyond it"
        case false?:
            "no drift: the queries lie about as far from their nearest \(place) as those the version keeps"
        }
    }

    /// What the reference is worth.
    var remark: String {
        referenceSource == QuerySetReference.Source.sample.rawValue
            ? "drift is judged beside vectors of the index, each as far away as it would be from its list without it: queries "
                + "that were never made like them raise the alarm from the first day; train or tune with --queries for a "
                + "reference of real ones"
            : "drift is judged beside the real queries that the version keeps"
    }
}

extension Report {
    /// Throws `unmet` for an alarm, and where nothing can be told: what nobody looked at does not hold.
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
                    "kept with the version", "\(drift.reference)",
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
