// How much memory may still be taken: what the machine has left, and what the control groups of this process allow.
import Foundation

/// Memory that is free, or would be if it were asked for.
package enum AvailableMemory {
    /// Bytes left, by the tightest of the machine and the process's control groups (version 2 or 1); nil where nobody says, as
    /// outside Linux.
    package static var bytes: Int? { bytes(root: "") }

    /// The same, of the machine whose `/proc` and `/sys` lie under `root`.
    package static func bytes(root: String) -> Int? {
        guard let machine = ofMachine(root) else { return nil }
        return ([machine] + ofGroups(root)).min()
    }

    private static func ofMachine(_ root: String) -> Int? {
        let lines = text("\(root)/proc/meminfo")?.split(separator: "\n") ?? []
        let line = lines.first { $0.hasPrefix("MemAvailable:") }
        guard let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return kibibytes.multipliedReportingOverflow(by: 1024).partialValue
    }

    /// What each group around this process has left. Seen from a container, the path of its group may not be there, but
    /// the root of the mount is the container's own.
    private static func ofGroups(_ root: String) -> [Int] {
        let groups = text("\(root)/proc/self/cgroup")?.split(separator: "\n") ?? []
        return groups.flatMap { line -> [Int] in
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return [] }
            if parts[1].isEmpty {
                return walk("\(root)/sys/fs/cgroup", parts[2], MemoryFiles.second)
            }
            guard parts[1].split(separator: ",").contains("memory") else { return [] }
            return walk("\(root)/sys/fs/cgroup/memory", parts[2], MemoryFiles.first)
        }
    }

    private static func walk(_ mount: String, _ path: Substring, _ files: MemoryFiles) -> [Int] {
        var names = path.split(separator: "/")
        var left: [Int] = []
        while true {
            let folder = ([Substring(mount)] + names).joined(separator: "/")
            left += ofGroup(folder, files).map { [$0] } ?? []
            guard names.popLast() != nil else { return left }
        }
    }

    /// Nil where the group has no limit. Pages of files that nobody used lately count as free: they go when memory is asked for.
    private static func ofGroup(_ folder: String, _ files: MemoryFiles) -> Int? {
        guard let limit = number("\(folder)/\(files.limit)"),
            let used = number("\(folder)/\(files.used)")
        else { return nil }
        let statistics = text("\(folder)/memory.stat")?.split(separator: "\n") ?? []
        let droppable = statistics.first { $0.hasPrefix(files.droppable + " ") }
            .flatMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        return max(0, limit - max(0, used - min(used, max(0, droppable ?? 0))))
    }

    private static func number(_ path: String) -> Int? {
        // "max" is no number, and no limit. Version 1 says so with a huge one.
        text(path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
            .flatMap { $0 >= 0 && $0 < Int.max / 4096 * 4096 ? $0 : nil }
    }

    private static func text(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }
}

/// Where a version of control groups keeps its numbers.
private struct MemoryFiles {
    let limit: String
    let used: String
    let droppable: String

    static let first = MemoryFiles(
        limit: "memory.limit_in_bytes", used: "memory.usage_in_bytes",
        droppable: "total_inactive_file")
    static let second = MemoryFiles(
        limit: "memory.max", used: "memory.current", droppable: "inactive_file")
}
