// How many processors this process may use: fewer than the machine has in a container, or under `taskset`.
internal import Foundation
internal import NIOCore

package enum UsableCores {
    /// What the control groups around the process and the calling thread's affinity mask leave of the machine; at least one.
    package static var count: Int {
        let status = try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)
        // A quota may be of more processors than there are, and a mask of some that are not there now.
        let present = min(System.coreCount, ProcessInfo.processInfo.activeProcessorCount)
        return max(1, min(present, status.flatMap(allowed) ?? .max))
    }

    /// The processors in the mask of a thread's status as Linux writes it, `Cpus_allowed: 00000000,0000000f`; nil where there is none.
    package static func allowed(_ status: String) -> Int? {
        let name = "Cpus_allowed:"
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else {
            return nil
        }
        let digits = line.dropFirst(name.count).compactMap(\.hexDigitValue)
        return digits.isEmpty ? nil : digits.reduce(0) { $0 + $1.nonzeroBitCount }
    }
}
