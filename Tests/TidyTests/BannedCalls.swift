// Calls that are not used in this repository, each with its replacement.

/// A call that must not be written, and its replacement.
struct BannedCall {
    let call: String
    let instead: String
    /// Beginnings or ends of paths where the call is allowed.
    var except: [String] = []
    /// The beginning of the paths where the rule holds; empty means everywhere.
    var only: String = ""
    /// The call is allowed if its arguments have this label.
    var unlessLabelled: String?

    /// The files that ask the machine for time and chance; all others take both as parameters.
    private static let sourcesOfTime = [
        "Sources/TesseraBase/SteadyClock.swift", "Sources/TesseraBase/Stopwatch.swift",
        "Sources/TesseraBase/WallClock.swift",
    ]

    private static let steadyTime = [
        "ContinuousClock", "SuspendingClock", "DispatchTime", "DispatchWallTime", "Task.sleep(",
    ].map {
        BannedCall(
            call: $0, instead: "an injected SteadyClock, or a Stopwatch to measure",
            except: sourcesOfTime, only: "Sources/")
    }

    static let all: [BannedCall] =
        steadyTime + [
            BannedCall(
                call: ".hashValue", instead: "a seed that is handed in, or Jitter",
                only: "Sources/"),
            BannedCall(
                call: "Date()", instead: "an injected WallClock",
                except: sourcesOfTime),
            BannedCall(
                call: "Date.now", instead: "an injected WallClock",
                except: sourcesOfTime),
            BannedCall(
                call: ".random(", instead: "`using:` an injected SeededRandom",
                unlessLabelled: "using:"
            ),
            BannedCall(
                call: ".randomElement(", instead: "`using:` an injected SeededRandom",
                unlessLabelled: "using:"),
            BannedCall(
                call: ".shuffled(", instead: "`using:` an injected SeededRandom",
                unlessLabelled: "using:"),
            BannedCall(
                call: ".shuffle(", instead: "`using:` an injected SeededRandom",
                unlessLabelled: "using:"),
            BannedCall(
                call: "SystemRandomNumberGenerator", instead: "an injected SeededRandom"),
            BannedCall(call: "try!", instead: "`try` in a function that throws"),
            BannedCall(call: "as!", instead: "`as?` and an error that names what was found"),
            BannedCall(
                call: "fatalError", instead: "a precondition with a message, or a typed error"),
            BannedCall(call: "Task.detached", instead: "a task group: work is structured"),
            BannedCall(
                call: "DispatchQueue.global", instead: "the bounded NIOThreadPool of its owner"),
            BannedCall(
                call: "print(", instead: "a ProgressHandler or a return value",
                except: ["Sources/shardctl/", "Sources/analyze-performance/"], only: "Sources/"),
            BannedCall(
                call: "@testable", instead: "`package` access: all tests run in release"),
        ]

    /// The calls in `file`, as complaints.
    func complaints(_ file: TextFile) -> [String] {
        guard file.isSwift, file.path.hasPrefix(only),
            !except.contains(where: { file.path.hasPrefix($0) || file.path.hasSuffix($0) })
        else { return [] }
        let code = String(CodeOnly.characters(of: file.text))
        return code.places(of: call).filter { !isExcused(code[$0.upperBound...]) }.map { place in
            let line = code[..<place.lowerBound].count { $0 == "\n" } + 1
            return "\(file.path):\(line): \(call) is banned; use \(instead)"
        }
    }

    private func isExcused(_ rest: Substring) -> Bool {
        guard let unlessLabelled else { return false }
        var depth = 1
        let arguments = rest.prefix { character in
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            return depth > 0
        }
        return arguments.contains(unlessLabelled)
    }
}
