// The options for recording live queries.
import ArgumentParser
import Coordinator
import Foundation
import TesseraBase

/// Whether, where and how many live queries are recorded.
struct QueryLogOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A folder for a sample of live queries, to measure by later; none is kept unless given. Vectors only, no ids, keys or "
                + "addresses, readable by its owner alone."))
    var queryLog: String?
    @Option(parsing: .unconditional, help: "The share of queries recorded, more than 0, at most 1.")
    var queryLogShare: Double?
    @Option(
        parsing: .unconditional,
        help: "Megabytes of recorded queries an index; the oldest go first.")
    var queryLogMegabytes: Int?
    @Option(
        parsing: .unconditional, help: "Seed of the draw; a new one at every start unless given.")
    var queryLogSeed: UInt64?

    /// The settings; nil if nothing is recorded.
    func settings(seed: UInt64) throws(TesseraError) -> QueryLogSettings? {
        guard let queryLog else {
            guard queryLogShare == nil, queryLogMegabytes == nil, queryLogSeed == nil else {
                throw TesseraError(
                    .invalidArgument,
                    "the options of the query log go with --query-log; name a folder with it")
            }
            return nil
        }
        var settings = QueryLogSettings(folder: URL(filePath: queryLog).standardized.path)
        let share = queryLogShare ?? settings.share
        guard share > 0, share <= 1 else {
            throw TesseraError(
                .invalidArgument,
                "--query-log-share \(share) is out of range; give more than 0, at most 1")
        }
        settings.share = share
        settings.bytes =
            try ServeLimitOptions.check(
                "--query-log-megabytes", queryLogMegabytes ?? settings.bytes / 1_000_000, 1...1000)
            * 1_000_000
        settings.seed = queryLogSeed ?? seed
        settings.writer = UUID().uuidString.prefix { $0 != "-" }.lowercased()
        return settings
    }
}
