// The entry point of analyze-performance: its commands, its help and its exit codes.
import Analysis
import ArgumentParser
import Foundation
import Planner
import Reporting
import Terminal
import TesseraBase

@main
struct AnalyzePerformance: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analyze-performance",
        abstract: "Measure the recall, speed and cost of a published version.",
        discussion: """
            EXAMPLE
              analyze-performance --store file:///data/idx --index photos \\
                --vectors base.fbin --ids ids.txt --html report.html
              analyze-performance compare 7 8 --store file:///data/idx --index photos
              analyze-performance --url http://127.0.0.1:8080 --index photos --queries q.fbin
              analyze-performance --what-if vectors=1e9,recall=0.95 --vectors base.fbin

            EXIT CODES
               0  done
              64  no such command or option
              65  a value or an input file that cannot be used
              66  no such index, version or file
              69  a store, coordinator or file that is not available now; a report is partial where it began
              73  not enough disk, or not enough time for a single query
              76  damaged data
              78  this build lacks what is asked for
              79  compare: B is worse than A by more than is tolerated; --fail-on-drift: queries have drifted
             130  interrupted; what was measured is written, and marked as partial
            """,
        version: "0.1.0",
        subcommands: [
            ReportCommand.self, CompareCommand.self, PlanCommand.self, PricesCommand.self,
        ],
        defaultSubcommand: ReportCommand.self)

    static func main() async {
        await main(PlanCommand.named(in: Array(CommandLine.arguments.dropFirst())))
    }
}

/// A command that fails with a ``TesseraError`` and can be stopped early.
protocol MeasuringCommand: AsyncParsableCommand {
    func perform(_ stop: StopSign) async throws(TesseraError)
}

extension MeasuringCommand {
    func run() async throws {
        let failure = await Interruption.watch { stop -> TesseraError? in
            do throws(TesseraError) {
                try await perform(stop)
                return nil
            } catch {
                return error
            }
        }
        guard let failure else { return }
        throw Terminal.exitCode(failure, program: "analyze-performance")
    }
}

struct PricesCommand: MeasuringCommand {
    static let configuration = CommandConfiguration(
        commandName: "prices",
        abstract: "Print the price table that costs are computed from, to edit.",
        discussion: """
            EXAMPLE
              analyze-performance prices > prices.json
            """)

    func perform(_ stop: StopSign) async throws(TesseraError) {
        try Terminal.say(try Terminal.json(CostTable.usual))
    }
}
