// Tests of the available memory that is read from the kernel's files.
import TesseraBase
import Testing

struct AvailableMemoryTests {
    /// A machine's files, and the bytes available on it.
    struct Machine: Sendable {
        let files: [String: String]
        let bytes: Int
    }

    private static let machine = "MemTotal:  4000 kB\nMemFree: 10 kB\nMemAvailable:    3000 kB\n"

    @Test(arguments: [
        Machine(files: ["/proc/meminfo": machine], bytes: 3000 * 1024),
        // Without a limit.
        Machine(
            files: [
                "/proc/meminfo": machine, "/proc/self/cgroup": "0::/a/b\n",
                "/sys/fs/cgroup/a/b/memory.max": "max\n",
                "/sys/fs/cgroup/a/b/memory.current": "123\n",
            ], bytes: 3000 * 1024),
        // A limit in the outer group, whose file pages can be reclaimed.
        Machine(
            files: [
                "/proc/meminfo": machine, "/proc/self/cgroup": "0::/a/b\n",
                "/sys/fs/cgroup/a/b/memory.max": "max\n",
                "/sys/fs/cgroup/a/b/memory.current": "1000\n",
                "/sys/fs/cgroup/a/memory.max": "9000\n",
                "/sys/fs/cgroup/a/memory.current": "5000\n",
                "/sys/fs/cgroup/a/memory.stat": "anon 4000\ninactive_file 600\nfile 1000\n",
            ], bytes: 4600),
        // In a container, the root is the group.
        Machine(
            files: [
                "/proc/meminfo": machine, "/proc/self/cgroup": "0::/\n",
                "/sys/fs/cgroup/memory.max": "700\n",
                "/sys/fs/cgroup/memory.current": "900\n",
            ], bytes: 0),
        // cgroup version 1.
        Machine(
            files: [
                "/proc/meminfo": machine,
                "/proc/self/cgroup": "7:cpu,cpuacct:/x\n5:memory:/docker/abc\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "5000\n",
                "/sys/fs/cgroup/memory/memory.usage_in_bytes": "3000\n",
                "/sys/fs/cgroup/memory/memory.stat": "total_inactive_file 100\n",
            ], bytes: 2100),
        // Malformed files set no limit.
        Machine(
            files: [
                "/proc/meminfo": machine, "/proc/self/cgroup": "::\nnothing\n0::/\n",
                "/sys/fs/cgroup/memory.max": "lots\n",
                "/sys/fs/cgroup/memory.current": "1\n",
            ], bytes: 3000 * 1024),
    ])
    func `the lowest limit of the machine and its groups counts`(_ machine: Machine) {
        #expect(AvailableMemory.bytes { machine.files[$0] } == machine.bytes)
    }

    @Test func `this machine has some memory, and a finite amount`() {
        #expect((1 << 20..<1 << 50).contains(AvailableMemory.bytes()))
    }
}
