// A search request checked against the version that answers it.
import Catalog
import SearchTypes
import TesseraBase
import VectorCore

/// A request that fits its version.
struct PlannedQuery {
    let query: SearchQuery
    let index: String
    let options: SearchOptions
    /// Queries `[queries][dimension]`, of unit length where the metric normalises; no rows for an
    /// id.
    let matrix: Matrix

    init(
        _ query: SearchQuery, _ version: ServedVersion, _ limits: ServiceLimits, index: String
    ) throws(ServiceError) {
        if let wanted = query.version, wanted != version.number {
            throw ServiceError(
                .notFound,
                "version \(wanted) of index '\(index)' does not answer queries; version "
                    + "\(version.number) does",
                parameter: .version)
        }
        guard !query.extras.contains(.metadata) else {
            throw ServiceError(
                .unsupported, "index '\(index)' holds no metadata; do not ask for it",
                parameter: .extras)
        }
        self.query = query
        self.index = index
        matrix = try Self.matrix(query, version, limits)
        do throws(TesseraError) {
            switch query.effort {
            case .recall(let recall):
                options = try version.limits.options(k: query.k, recall: recall, batch: 1)
            case .parameters(let nprobe, let refine):
                options = try version.limits.options(
                    k: query.k, nprobe: nprobe, refine: refine, batch: 1)
            }
        } catch {
            var failure = ServiceError(error)
            failure.parameter = Self.parameter(of: error)
            throw failure
        }
    }

    /// The parameter that ``SearchTypes/QueryLimits`` refused: its messages begin with the name.
    private static func parameter(of error: TesseraError) -> ServiceError.Parameter? {
        switch error.message.prefix(while: { $0 != " " }) {
        case "k": .k
        case "nprobe": .nprobe
        case "refine": .refine
        case "recall": .recall
        default: nil
        }
    }

    private static func matrix(
        _ query: SearchQuery, _ version: ServedVersion, _ limits: ServiceLimits
    ) throws(ServiceError) -> Matrix {
        let dimension = version.manifest.index.dimension
        guard case .vectors(let floats) = query.target else {
            return Matrix(rows: 0, columns: dimension, elements: [])
        }
        guard !floats.isEmpty, floats.count.isMultiple(of: dimension) else {
            throw ServiceError(
                .invalidArgument,
                "\(floats.count) numbers are not queries of \(dimension) dimensions each",
                parameter: .query, limit: dimension)
        }
        var matrix = Matrix(
            rows: floats.count / dimension, columns: dimension, elements: floats)
        guard matrix.rows <= limits.batch else {
            throw ServiceError(
                .invalidArgument,
                "\(matrix.rows) queries are more than the \(limits.batch) allowed",
                parameter: .query, limit: limits.batch)
        }
        guard version.metric.normalises else { return matrix }
        do throws(TesseraError) {
            try normalise(&matrix, firstRow: 0, file: "the request")
        } catch {
            throw ServiceError(
                .invalidArgument,
                "a query of zeros has no direction, which the cosine metric compares; leave it out",
                parameter: .query)
        }
        return matrix
    }

    /// The key of the answers in the response cache; nil for a search that must not come from it.
    func cacheKey(_ version: ServedVersion) -> ResponseCache.Key? {
        guard !query.extras.contains(.receipts) else { return nil }
        var id: String?
        if case .id(let given) = query.target { id = given }
        return ResponseCache.Key(
            version: version.number, index: index, id: id, floats: matrix.elements, k: options.k,
            probeCount: options.probeCount, refineDepth: options.refineDepth,
            probeShards: options.probeShards)
    }
}
