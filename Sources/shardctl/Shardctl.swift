// The entry point of shardctl: its commands, its help and its exit codes.
import ArgumentParser
import Terminal
import TesseraBase
import VectorCore

@main
struct Shardctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shardctl",
        abstract: "Train, publish, search and look after Tessera vector indexes.",
        discussion: """
            An index lives in an object store under numbered versions that never change. `train` builds a draft, \
            `publish` makes it the next version, `rollback` brings an old one back.

            EXAMPLE
              shardctl train --store file:///data/idx --index photos --vectors base.fbin \\
                --ids ids.txt
              shardctl publish --store file:///data/idx --index photos
              shardctl query --store file:///data/idx --index photos --vectors q.fbin -k 5

            EXIT CODES
               0  done
              64  no such command or option
              65  a value or an input file that cannot be used
              66  no such index, version, draft or file
              69  a store or file that is not available now
              73  the disk is full
              75  another process made a conflicting change first; look again and repeat
              76  damaged data
              78  this build lacks what is asked for
              79  a bound that was set does not hold: recall below --min-recall
             130  cancelled
            """,
        version: "0.1.0",
        subcommands: [
            TrainCommand.self, PublishCommand.self, TuneCommand.self, QueryCommand.self,
            ServeCommand.self, ListCommand.self,
            InspectCommand.self, VerifyCommand.self, RollbackCommand.self, GarbageCommand.self,
            ExportCommand.self, DoctorCommand.self, WorkerCommand.self, DiffCommand.self,
        ])

    /// Like the parser's own `main`, but a parse error is one line too.
    static func main() async {
        ProcessMemory.returnLargeBlocks()
        do {
            var command = try parseAsRoot()
            if var waiting = command as? any AsyncParsableCommand {
                try await waiting.run()
            } else {
                try command.run()
            }
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Terminal.complain(usageComplaint(message(for: error)), program: "shardctl")
            exit(withError: ExitCode.validationFailure)
        }
    }

    /// The parser's message in the style of all other errors, with a pointer to the help.
    private static func usageComplaint(_ message: String) -> String {
        let commands = configuration.subcommands.compactMap { command in
            command.configuration.commandName
        }
        let word = CommandLine.arguments.dropFirst().first ?? ""
        guard commands.contains(word) else {
            let problem = word.hasPrefix("-") ? "no option" : "no command"
            return "\(problem) '\(word)'; there are \(commands.joined(separator: ", ")); "
                + "see shardctl --help"
        }
        let text = message.hasSuffix(".") ? String(message.dropLast()) : message
        return text.prefix(1).lowercased() + text.dropFirst() + "; see shardctl \(word) --help"
    }
}

/// A command that fails with a ``TesseraError``.
protocol ShardctlCommand: AsyncParsableCommand {
    func perform() async throws(TesseraError)
}

extension ShardctlCommand {
    func run() async throws {
        do throws(TesseraError) {
            try await perform()
        } catch {
            throw Terminal.exitCode(error, program: "shardctl")
        }
    }
}
