// Searches a version through the coordinator that serves it, with one request per query over kept
// connections.
//
// Every query asks for its receipt, which bypasses the response cache; the cache would otherwise
// answer nearly all of a load that repeats its queries. Partial answers are accepted, and counted.
import Foundation
import Reporting
import Search
import SearchTypes
import Synchronization
import TesseraBase
import VectorCore
import VectorIndex

/// Searches over HTTP.
struct CoordinatorSearcher: VersionSearcher {
    let metric: Metric
    let tally = AnswerTally()
    private let client: CoordinatorClient
    private let version: Int?
    private let stop: StopSign

    /// Prepares searches.
    ///
    /// - Parameter version: the version that has to answer; nil accepts any.
    init(_ client: CoordinatorClient, metric: Metric, version: Int?, stop: StopSign) {
        self.client = client
        self.metric = metric
        self.version = version
        self.stop = stop
    }

    var engine: SearchEngine { .tessera }
    /// Unknown: the memory is the coordinator's.
    var codeBytes: Int { 0 }
    var modelBytes: Int { 0 }

    /// Throws `unsupported` for a filter: the HTTP API takes none.
    func search(
        _ queries: Matrix, options: SearchOptions, filter: RowFilter?, pool: WorkPool, batch: Int
    ) async throws(TesseraError) -> BatchAnswers {
        guard filter == nil else {
            throw TesseraError(.unsupported, "a coordinator is searched without a row filter")
        }
        let watch = Stopwatch()
        let answered = try await mapConcurrently(Array(0..<queries.rows), width: pool.width) {
            row throws(TesseraError) in
            try stop.check()
            let begin = Stopwatch()
            let answer = try await client.search(body(queries.row(row), options))
            tally.add(answer)
            return (answer: answer.answer, latency: begin.elapsed)
        }
        return BatchAnswers(
            answers: answered.map(\.answer), latencies: answered.map(\.latency),
            elapsed: watch.elapsed)
    }

    private func body(_ query: ArraySlice<Float>, _ options: SearchOptions) -> String {
        var bytes = ByteWriter()
        bytes.floats(Array(query))
        let vector = Data(bytes.bytes).base64EncodedString()
        // Every result is refined, and the coordinator requires a depth of at least k.
        let refine = max(options.k, options.refineDepth)
        let pinned = version.map { ",\"version\":\($0)" } ?? ""
        return "{\"vector\":\"\(vector)\",\"k\":\(options.k),\"nprobe\":\(options.probeCount),"
            + "\"refine\":\(refine),\"with\":[],\"explain\":true,\"allow_partial\":true\(pinned)}"
    }
}

/// Counts what the answers said about themselves.
final class AnswerTally: Sendable {
    struct Counts: Sendable {
        var answers = 0
        var incomplete = 0
        var shares = 0.0
        /// Versions in the order of their first answer.
        var versions: [Int] = []
        var byVersion: [Int: Int] = [:]
        var bySource: [String: Int] = [:]
    }

    private let state = Mutex(Counts())

    func add(_ answer: ServedAnswer) {
        state.withLock { counts in
            counts.answers += 1
            if !answer.complete { counts.incomplete += 1 }
            counts.shares += answer.share ?? 1
            if counts.byVersion[answer.version] == nil { counts.versions.append(answer.version) }
            counts.byVersion[answer.version, default: 0] += 1
            counts.bySource[answer.source, default: 0] += 1
        }
    }

    var counts: Counts { state.withLock { $0 } }
}
