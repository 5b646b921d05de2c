// The ranges of a plan's values. A value out of range is an error that names its option.
import TesseraBase

extension AnalysisPlan {
    /// Checks all values.
    ///
    /// - Parameter largestK: most results that a query may ask for.
    /// - Throws: `invalidArgument` with the option, its value and the range.
    func check(
        index: String, vectors: Int, lists: Int, largestK: Int = 1000
    ) throws(TesseraError) {
        let sizes: [(String, Int, ClosedRange<Int>)] = [
            ("-k", k, 1...min(largestK, vectors)), ("--nprobe", nprobe ?? 1, 1...lists),
            ("--refine", refineDepth ?? k, min(k, 100_000)...100_000),
            ("--concurrency", concurrency, 1...1024), ("--cold-queries", coldQueries, 0...10_000),
            ("--curve-points", curvePoints, 0...64),
        ]
        for (name, value, range) in sizes where !range.contains(value) {
            throw TesseraError(
                .invalidArgument,
                "\(name) \(value) is out of range for index '\(index)'; "
                    + "give \(range.lowerBound) to \(range.upperBound)")
        }
        let durations: [(String, Double)] = [
            ("--budget-seconds", budgetSeconds), ("--load-seconds", loadSeconds),
            ("--rate", rate ?? 1),
        ]
        for (name, value) in durations where !(value > 0 && value <= 1e7) {
            throw TesseraError(
                .invalidArgument, "\(name) \(value) is out of range; give more than 0, at most 1e7")
        }
    }
}
