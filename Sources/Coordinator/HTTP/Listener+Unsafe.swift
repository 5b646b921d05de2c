// The listening socket, and how it stops taking connections without losing one.
//
// Closing a listening socket resets the connections that are established but not accepted yet,
// together with the requests on them. So before it is closed, a socket filter drops the first
// packet of new connections (SYN), and connections that had begun are accepted. A client that meets
// the filter tries again after a second, and then finds the port closed or another server on it.
import NIOCore
import Synchronization

/// The listening socket of a server.
final class Listener: Sendable {
    private let channel = Mutex<(any Channel)?>(nil)

    /// Makes the channel accept connections one at a time, so that ``ConnectionCount`` is asked
    /// before each of them.
    func listens(on channel: any Channel) async {
        self.channel.withLock { $0 = channel }
        try? await channel.setOption(.maxMessagesPerRead, value: 1).get()
    }

    /// Keeps new connections from beginning; those that have begun can still be accepted. Does
    /// nothing on systems without socket filters.
    func refuseNewcomers() async {
        #if os(Linux)
            guard let provider = channel.withLock({ $0 }) as? any SocketOptionProvider else {
                return
            }
            try? await provider.unsafeSetSocketOption(
                level: .socket, name: NIOBSDSocket.Option(rawValue: Self.attachFilter),
                value: FilterProgram.shared
            ).get()
        #endif
    }

    /// The option SO_ATTACH_FILTER of Linux.
    private static let attachFilter: CInt = 26
}

/// A classic BPF program in Linux's layout, `struct sock_fprog`. Its instructions are never freed.
private struct FilterProgram: @unchecked Sendable {
    /// One instruction in Linux's layout, `struct sock_filter`.
    private struct Instruction {
        let code: UInt16
        var jumpIfTrue: UInt8 = 0
        var jumpIfFalse: UInt8 = 0
        let operand: UInt32
    }

    private let length: UInt16
    private let instructions: UnsafePointer<Instruction>

    /// Drops TCP packets that have SYN without ACK; the packet begins with its TCP header.
    static let shared = FilterProgram([
        // Load the byte of flags.
        Instruction(code: 0x30, operand: 13),
        // Keep the bits of SYN and ACK.
        Instruction(code: 0x54, operand: 0x12),
        // Drop a packet with SYN alone; let everything else through whole.
        Instruction(code: 0x15, jumpIfFalse: 1, operand: 0x02),
        Instruction(code: 0x06, operand: 0),
        Instruction(code: 0x06, operand: .max),
    ])

    private init(_ program: [Instruction]) {
        let memory = UnsafeMutablePointer<Instruction>.allocate(capacity: program.count)
        memory.initialize(from: program, count: program.count)
        instructions = UnsafePointer(memory)
        length = UInt16(program.count)
    }
}
