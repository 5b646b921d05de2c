// How many processors this process may use: fewer than the machine has in a container, or under
// `taskset`.
internal import Foundation
internal import NIOCore

/// Counts the processors that this process may use.
package enum UsableCores {
    /// Processors that the process's control groups and the calling thread's affinity mask allow;
    /// at least one.
    package static var count: Int {
        let status = try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
        // A quota may allow more processors than exist, and a mask may name offline ones.
        let present = min(System.coreCount, ProcessInfo.processInfo.activeProcessorCount)
        return max(1, min(present, status.flatMap(allowed) ?? .max))
    }

    /// The number of processors in the affinity mask of a Linux thread status, such as
    /// `Cpus_allowed: 00000000,0000000f`; nil if it has no mask.
    package static func allowed(_ status: String) -> Int? {
        let name = "Cpus_allowed:"
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else {
            return nil
        }
        let digits = line.dropFirst(name.count).compactMap(\.hexDigitValue)
        return digits.isEmpty ? nil : digits.reduce(0) { $0 + $1.nonzeroBitCount }
    }
}
