// Running the scripts under Scripts/ with this machine's Python, where it has one.
import Foundation

/// Python 3 as a second opinion on our formats.
package enum Python {
    /// Runs `python3` and returns its exit status and everything it printed.
    package static func run(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// Whether `statements` run without an error.
    package static func accepts(_ statements: String) -> Bool {
        (try? run(["-c", statements]).status) == 0
    }

    /// The path of a script of this package.
    package static func script(_ name: String) -> String {
        URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Scripts/\(name)").path
    }
}
