// Which version of an index should answer: what is asked of the store, and what is made of failures.
package import Catalog
package import Logging
package import TesseraBase

/// Looks for the newest version of one index that can be read. Asks for one key a look where nothing changed.
package struct VersionSearch {
    /// Looks between tries to open a version that could not be opened, at most.
    private static let longestPause = 32

    private let index: ServedIndex
    private let logger: Logger
    /// The newest number whose key was seen.
    private var newest = 0
    /// Found and not opened yet.
    private var candidate: Manifest?
    private var pause = 0
    private var looksToSkip = 0
    /// What people should know; nil where nothing is wrong.
    package private(set) var problem: String?

    package init(_ index: ServedIndex, logger: Logger) {
        self.index = index
        self.logger = logger
    }

    /// The version to open now; nil where the one that answers is the newest, or the newest has just failed.
    package mutating func next() async -> Manifest? {
        let known = candidate?.version
        do throws(TesseraError) {
            if newest == 0 { try await first() } else { try await later() }
        } catch {
            report("a next version cannot be looked for: \(Self.told(error))", error)
        }
        guard let candidate else { return nil }
        if candidate.version != known { (pause, looksToSkip) = (0, 0) }
        guard looksToSkip == 0 else {
            looksToSkip -= 1
            return nil
        }
        return candidate
    }

    /// `manifest` answers queries now.
    package mutating func opened(_ manifest: Manifest) {
        candidate = nil
        problem = nil
        (pause, looksToSkip) = (0, 0)
    }

    /// `manifest` could not be opened; it is tried again after a while that grows.
    package mutating func failed(_ manifest: Manifest, _ error: TesseraError) {
        pause = min(Self.longestPause, max(1, pause * 2))
        looksToSkip = pause
        report("version \(manifest.version) cannot be opened: \(Self.told(error))", error)
    }

    private mutating func first() async throws(TesseraError) {
        guard let number = try await index.catalog.latestVersionNumber() else {
            problem = "no version is published yet"
            return
        }
        // The newest that is readable: what lies at older keys has been there all along.
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

    /// What everybody may read: without the places of things.
    private static func told(_ error: TesseraError) -> String { APIError(error).message }
}
