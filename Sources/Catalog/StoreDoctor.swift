// Examines a store before it is used for an index: everything Tessera relies on is tried, above all
// that exactly one of several racing writers wins.
//
// Works in a folder of its own, which it removes. A store that fails a check is refused with the
// reason.
import Foundation
package import ObjectStore
package import TesseraBase

/// One thing that was tried.
package struct StoreCheck: Sendable, Codable, Equatable {
    /// Outcome of a check.
    package enum Outcome: String, Sendable, Codable {
        case passed
        /// Works, but with something that the user should know.
        case warned
        case failed
    }

    package let name: String
    package let outcome: Outcome
    /// What was seen, with its numbers.
    package let detail: String
}

/// What the doctor found.
package struct StoreReport: Sendable, Codable, Equatable {
    package var checks: [StoreCheck]
    /// Median time of a small read, in milliseconds.
    package var roundTripMilliseconds: Double?
    /// Megabytes a second, 8 reads in flight.
    package var readMegabytesPerSecond: Double?
    /// Megabytes a second, one write.
    package var writeMegabytesPerSecond: Double?
    /// Reads of 512 bytes a second, 8 in flight.
    package var rangeReadsPerSecond: Double?

    package var isFit: Bool { checks.allSatisfy { $0.outcome != .failed } }
}

/// Examines one store.
package struct StoreDoctor: Sendable {
    /// Writers that race for one key.
    static let writers = 16
    /// Reads under way at once while speed is measured.
    static let inFlight = 8
    static let rangeReads = 2000
    static let largestSkew = 300.0
    static let worrySkew = 30.0

    let store: any ObjectStore
    let clock: WallClock
    let rounds: Int
    let bandwidthBytes: Int
    let folder: String

    /// - Parameters:
    ///   - nonce: tells this examination's folder from any other's.
    ///   - rounds: races of 16 writers.
    ///   - bandwidthBytes: size of the object that is timed.
    package init(
        _ store: any ObjectStore, clock: WallClock = .system,
        nonce: String = UUID().uuidString.lowercased(), rounds: Int = 10,
        bandwidthBytes: Int = 16 << 20
    ) {
        self.store = store
        self.clock = clock
        self.rounds = rounds
        self.bandwidthBytes = bandwidthBytes
        folder = ".tessera-doctor/\(nonce)"
    }

    /// Runs all checks; one that throws fails with its error. Nothing is left behind, except by a
    /// kill.
    package func examine(progress: @escaping ProgressHandler = { _ in }) async -> StoreReport {
        let all: [(String, Check)] = [
            ("credentials", credentials), ("read after write", readAfterWrite),
            ("clock", clockSkew), ("ranges", ranges), ("list", listing),
            ("put if absent", putIfAbsent), ("race of 16 writers", race),
        ]
        var report = StoreReport(checks: [])
        for (done, (name, check)) in all.enumerated() {
            progress(
                ProgressUpdate(
                    phase: "examining", completed: done, total: all.count + 1, unit: "checks"))
            let result = await outcome(name, check)
            report.checks.append(result)
            if name == "credentials", result.outcome == .failed { return report }
        }
        await measure(&report)
        await cleanUp()
        return report
    }

    typealias Check = @Sendable () async throws(TesseraError) -> Finding

    /// What a check found: nothing wrong, something to know, or a reason to refuse.
    enum Finding {
        case fine(String)
        case worrying(String)
        case wrong(String)
    }

    private func outcome(_ name: String, _ check: Check) async -> StoreCheck {
        do throws(TesseraError) {
            switch try await check() {
            case .fine(let detail):
                return StoreCheck(name: name, outcome: .passed, detail: detail)
            case .worrying(let detail):
                return StoreCheck(name: name, outcome: .warned, detail: detail)
            case .wrong(let detail):
                return StoreCheck(name: name, outcome: .failed, detail: detail)
            }
        } catch {
            return StoreCheck(name: name, outcome: .failed, detail: error.description)
        }
    }

    func key(_ name: String) -> ObjectKey { "\(folder)/\(name)" }

    private func cleanUp() async {
        guard let left = try? await store.list(prefix: folder + "/") else { return }
        for object in left { try? await store.delete(object.key) }
    }
}
