// doctor: checks whether a store keeps the promises that an index relies on.
import ArgumentParser
import Catalog
import Foundation
import ObjectStore
import Reporting
import Terminal
import TesseraBase

struct DoctorCommand: ShardctlCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Check everything an index relies on, in a folder of its own, and measure the store's speed.",
        discussion: """
            Checks credentials, read after write, the clock, ranges, the order of lists, and races 16 writers on \
            put-if-absent. A store that lets two win, or ignores the condition, is refused.

            With --join-race, takes part in a race between processes or machines instead: each participant is given the \
            same name and start, and prints the rounds it won. Together they must have won each round once. The objects stay in the folder .tessera-doctor.

            EXAMPLE
              shardctl doctor --store s3://bucket/idx
              shardctl doctor --store s3://bucket/idx --join-race monday --race-start 1790000000
            """)

    @OptionGroup var target: StoreOptions
    @Option(parsing: .unconditional, help: "Races of 16 writers.")
    var rounds = 10
    @Option(help: "Take part in the race of this name instead.")
    var joinRace: String?
    @Option(parsing: .unconditional, help: "When the race begins, in seconds since 1970.")
    var raceStart = 0.0
    @OptionGroup var output: OutputOptions

    func perform() async throws(TesseraError) {
        guard (1...10_000).contains(rounds) else {
            throw TesseraError(
                .invalidArgument, "--rounds \(rounds) is out of range; give 1 to 10000")
        }
        if let joinRace {
            let won = try await StoreRace(try target.open().uncached, name: joinRace).run(
                rounds: rounds,
                participant:
                    "\(ProcessInfo.processInfo.hostName) \(ProcessInfo.processInfo.processIdentifier)",
                start: Date(timeIntervalSince1970: raceStart), interval: .milliseconds(100))
            try output.answer(["won": won], ["won \(won.count.counted("round")) of \(rounds)"])
            return
        }
        let bar = output.progress
        let report = await StoreDoctor(try target.open().uncached, rounds: rounds)
            .examine(progress: bar.handler)
        bar.finish()
        try output.answer(report, Self.lines(report))
        guard report.isFit else {
            throw TesseraError(
                .unsupported,
                "\(target.store) cannot be trusted with an index: "
                    + (report.checks.first { $0.outcome == .failed }.map {
                        "\($0.name): \($0.detail)"
                    } ?? ""))
        }
    }

    private static func lines(_ report: StoreReport) -> [String] {
        var lines = report.checks.map { check in
            let mark =
                switch check.outcome {
                case .passed: "ok    "
                case .warned: "WARN  "
                case .failed: "FAIL  "
                }
            return "\(mark)\(check.name): \(check.detail)"
        }
        if let trip = report.roundTripMilliseconds {
            lines.append("      small read: \(trip.rounded(to: 2)) ms (median of 20)")
        }
        if let rate = report.rangeReadsPerSecond {
            lines.append("      range reads: \(Int(rate).grouped)/s (512 bytes, 8 in flight)")
        }
        if let read = report.readMegabytesPerSecond, let write = report.writeMegabytesPerSecond {
            lines.append(
                "      bandwidth: \(Int(read)) MB/s read (8 in flight), \(Int(write)) MB/s written (one)"
            )
        }
        return lines
    }
}
