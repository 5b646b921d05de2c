// The help of the program, and its answers to typing errors.
import Foundation
import Testing

struct HelpTests {
    static let commands = [
        "train", "publish", "tune", "query", "list", "inspect", "verify", "rollback", "gc",
        "export", "diff",
    ]

    private func run(_ arguments: [String]) throws -> Outcome {
        try Program.run(arguments, in: "/")
    }

    @Test(arguments: commands + [""])
    func `every command's help has an example that can be copied from it`(_ command: String) throws
    {
        let help = try run(command.isEmpty ? ["--help"] : [command, "--help"])
        #expect(help.status == 0)
        let lines = help.output.split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex(of: "EXAMPLE"))
        let example = lines[(start + 1)...].prefix { !$0.isEmpty }
        #expect(example.first?.hasPrefix("  shardctl \(command)") == true)
        for (line, next) in zip(example, example.dropFirst()) {
            // The parser wraps long lines, which breaks a command in two.
            #expect(next.hasPrefix("  shardctl ") != line.hasSuffix("\\"), "\(line)")
            #expect(next.hasPrefix("  "), "\(next)")
        }
    }

    @Test func `the program's own help has an example and the exit codes`() throws {
        let help = try run(["--help"]).output
        #expect(help.contains("EXAMPLE") && help.contains("EXIT CODES"))
        #expect(Self.commands.allSatisfy { help.contains("  \($0) ") })
        #expect(try run(["--version"]).output == "0.1.0\n")
    }

    @Test(arguments: [
        (
            ["train", "--store", "file:///x", "--index", "t"], "--vectors",
            "shardctl train --help"
        ),
        (
            ["list", "--store", "file:///x", "--indx", "t"], "--indx", "shardctl list --help"
        ),
        (
            ["train", "--store", "s", "--index", "t", "--vectors", "v", "--metric", "l3"],
            "'l3'", "shardctl train --help"
        ),
        (
            ["query", "--store", "s", "--index", "t", "--vectors", "v", "-k", "ten"], "'ten'",
            "shardctl query --help"
        ),
        (
            ["query", "--store", "s", "--index", "t", "--vectors", "v", "--engine", "other"],
            "'other'", "shardctl query --help"
        ),
        (
            ["gc", "--store", "s", "--index", "t", "--apply", "--dry-run"], "--dry-run",
            "shardctl gc --help"
        ),
        (["tarin"], "no command 'tarin'; there are train", "shardctl --help"),
        (["--indx"], "no option '--indx'", "shardctl --help"),
    ])
    func `what cannot be parsed is one line, exit code 64, and the way to the help`(
        _ arguments: [String], _ value: String, _ help: String
    ) throws {
        let outcome = try run(arguments)
        expectComplaint(outcome, status: 64, says: [value, "; see " + help])
        #expect(!outcome.errors.contains(".;"))
    }
}
