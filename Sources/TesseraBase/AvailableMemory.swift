// How much memory this process may still allocate, on the machine or in its container.
import Foundation

/// Reads Linux's memory statistics. All numbers are bytes.
package enum AvailableMemory {
    /// Returns the content of a file, or nil if there is no such file.
    package typealias Reader = (_ path: String) -> String?

    /// The minimum of the machine's available memory and of what each control group of this process
    /// has left. File pages that the kernel would reclaim count as free. On systems other than
    /// Linux: half of the machine's memory.
    ///
    /// - Parameter read: reads the kernel's files; tests bring their own.
    package static func bytes(
        reading read: Reader = { try? String(contentsOfFile: $0, encoding: .utf8) }
    ) -> Int {
        let whole = Int(clamping: ProcessInfo.processInfo.physicalMemory) / 2
        let machine = read("/proc/meminfo").flatMap(available(meminfo:)) ?? whole
        let groups = read("/proc/self/cgroup").map(folders(cgroup:)) ?? []
        return groups.compactMap { room(in: $0, read) }.reduce(machine, min)
    }

    /// Parses a line like "MemAvailable:   123 kB".
    private static func available(meminfo: String) -> Int? {
        for line in meminfo.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.first == "MemAvailable:", words.count > 1, let kilobytes = Int(words[1])
            else { continue }
            return kilobytes.multipliedReportingOverflow(by: 1024).partialValue
        }
        return nil
    }

    /// A control group's folder and the names of its files.
    private struct Group {
        let folder: String
        let limit: String
        let usage: String
        /// The entry of `memory.stat` that counts pages of files not used lately.
        let inactive: String
    }

    /// The groups of this process, innermost first. The limit of each holds for all groups below
    /// it.
    private static func folders(cgroup: String) -> [Group] {
        cgroup.split(separator: "\n").flatMap { line -> [Group] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            let isUnified = parts[0] == "0" && parts[1].isEmpty
            guard isUnified || parts[1].split(separator: ",").contains("memory") else { return [] }
            let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
            var names = parts[2].split(separator: "/")
            var groups: [Group] = []
            while true {
                let folder = ([root] + names.map(String.init)).joined(separator: "/")
                groups.append(
                    isUnified
                        ? Group(
                            folder: folder, limit: "memory.max", usage: "memory.current",
                            inactive: "inactive_file")
                        : Group(
                            folder: folder, limit: "memory.limit_in_bytes",
                            usage: "memory.usage_in_bytes", inactive: "total_inactive_file"))
                guard names.popLast() != nil else { return groups }
            }
        }
    }

    /// Bytes left under a group's limit; nil if it has no limit.
    private static func room(in group: Group, _ read: Reader) -> Int? {
        func number(_ name: String) -> Int? {
            read("\(group.folder)/\(name)").flatMap {
                Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
            }
        }
        guard let limit = number(group.limit), let usage = number(group.usage) else { return nil }
        let statistics = read("\(group.folder)/memory.stat") ?? ""
        let inactive = statistics.split(separator: "\n").first {
            $0.hasPrefix(group.inactive + " ")
        }
        let reclaimable = inactive.flatMap { Int($0.dropFirst(group.inactive.count + 1)) } ?? 0
        return max(0, limit - max(0, usage - reclaimable))
    }
}
