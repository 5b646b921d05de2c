// Picks the version to serve: polls the store for version N+1 and backs off after one that cannot
// be opened.
package import Catalog
package import Logging
package import TesseraBase

/// Finds the newest readable version of one index. A poll that finds nothing new reads one key.
package struct VersionSearch {
    /// Most polls between two attempts to open a version that failed to open.
    private static let longestPause = 32

    private let index: ServedIndex
    private let logger: Logger
    /// The newest version number whose key was seen; 0 before the first poll.
    private var newest = 0
    /// The version found and not opened yet.
    private var candidate: Manifest?
    /// Polls to skip after the last failure.
    private var pause = 0
    /// Polls still to skip.
    private var pollsToSkip = 0
    /// Why a newer version is not served, for operators; nil if there is no problem.
    package private(set) var problem: String?

    package init(_ index: ServedIndex, logger: Logger) {
        self.index = index
        self.logger = logger
    }

    /// Polls the store. Returns the version to open now; nil if the newest one answers already or
    /// has just failed to open.
    package mutating func next() async -> Manifest? {
        let known = candidate?.version
        do throws(TesseraError) {
            if newest == 0 { try await first() } else { try await later() }
        } catch {
            report("a newer version cannot be looked for: \(Self.told(error))", error)
        }
        guard let candidate else { return nil }
        if candidate.version != known { (pause, pollsToSkip) = (0, 0) }
        guard pollsToSkip == 0 else {
            pollsToSkip -= 1
            return nil
        }
        return candidate
    }

    /// Notes that `manifest` answers queries now.
    package mutating func opened(_ manifest: Manifest) {
        candidate = nil
        problem = nil
        (pause, pollsToSkip) = (0, 0)
    }

    /// Notes that `manifest` could not be opened. It is tried again after a pause that doubles.
    package mutating func failed(_ manifest: Manifest, _ error: TesseraError) {
        pause = min(Self.longestPause, max(1, pause * 2))
        pollsToSkip = pause
        report("version \(manifest.version) cannot be opened: \(Self.told(error))", error)
    }

    private mutating func first() async throws(TesseraError) {
        guard let number = try await index.catalog.latestVersionNumber() else {
            problem = "no version is published yet"
            return
        }
        // The newest readable version: older keys never change.
        for number in stride(from: number, through: 1, by: -1) {
            switch try await index.catalog.versionState(number) {
            case .published(let manifest):
                candidate = manifest
                newest = max(newest, number)
                return
            case .unreadable(let error):
                newest = max(newest, number)
                report("version \(number) cannot be read: \(Self.told(error))", error)
            case .collected, nil: newest = max(newest, number)
            }
        }
    }

    private mutating func later() async throws(TesseraError) {
        while let state = try await index.catalog.versionState(newest + 1) {
            newest += 1
            switch state {
            case .published(let manifest): candidate = manifest
            case .unreadable(let error):
                report("version \(newest) cannot be read: \(Self.told(error))", error)
            case .collected: continue
            }
        }
    }

    private mutating func report(_ problem: String, _ error: TesseraError) {
        if self.problem != problem {
            logger.error(
                "a version is not served",
                metadata: [
                    "index": "\(index.name)", "problem": "\(problem)", "error": "\(error)",
                ])
        }
        self.problem = problem
    }

    /// The error's message without the places that clients must not learn.
    private static func told(_ error: TesseraError) -> String { ServiceError(error).message }
}
