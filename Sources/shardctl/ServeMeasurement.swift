// Measures the recall of drafts that are published over HTTP, as `publish` does.
import Catalog
import ObjectStore
import Recall
import ShardFile
import TesseraBase

/// Measures drafts of any index of `store` with the queries that train kept.
func measurement(
    store: any ObjectStore, width: Int, scratchFolder: String
) -> Measurement {
    { draft async throws(TesseraError) in
        let tuner = IndexTuner(
            try Catalog(store: store, index: try IndexName(draft.index.name)),
            pool: WorkPool(width: width), scratchFolder: scratchFolder, progress: { _ in })
        guard let set = try await tuner.queries(of: draft.index) else { return MeasuredDraft() }
        return MeasuredDraft(
            try await tuner.measure(
                draft.index, by: set,
                IndexTuner.Wanted(
                    points: draft.index.operatingPoints == nil, certificateK: set.k)))
    }
}

extension MeasuredDraft {
    /// The measurement, without a bound.
    init(_ outcome: IndexTuner.Outcome) {
        self.init(
            operatingPoints: outcome.points.isEmpty ? nil : outcome.points.map(\.point),
            certificate: outcome.certificate)
    }
}
