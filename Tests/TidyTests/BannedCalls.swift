// Calls the house does without, each with what to use instead.

/// A call that must not be written, and its replacement.
struct BannedCall {
    let call: String
    let instead: String
    /// Where it may stand after all: the beginning or the end of a path.
    var except: [String] = []
    /// Where the rule holds: the beginning of a path; everywhere when empty.
    var only: String = ""
    /// The call is fine when its arguments name this label.
    var unlessLabelled: String?

    /// The files that ask the machine for time and chance; all others are handed both.
    private static let sourcesOfTime = [
        "Sources/TesseraBase/SteadyClock.swift", "Sources/TesseraBase/Stopwatch.swift",
        "Sources/TesseraBase/WallClock.swift",
    ]
    /// Folders that still read a clock, or hash for a seed, by themselves.
    static let pending = [
        "Sources/Catalog/", "Sources/Coordinator/", "Sources/HTTPClient/", "Sources/ObjectStore/",
        "Sources/Search/", "Sources/Worker/",
    ]

    private static let steadyTime = [
        "ContinuousClock", "SuspendingClock", "DispatchTime", "DispatchWallTime", "Task.sleep(",
    ].map {
        BannedCall(
            call: $0, instead: "an injected SteadyClock, or a Stopwatch to measure",
            except: sourcesOfTime + pending, only: "Sources/")
    }

    static let all: [BannedCall] =
        steadyTime + [
            BannedCall(
                call: ".hashValue", instead: "a seed that is handed in, or Jitter",
                except: pending, only: "Sources/"),
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

    /// Where the call stands in `file`, as complaints.
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
