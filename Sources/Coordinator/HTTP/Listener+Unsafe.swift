// The socket that connections come in by, and how it stops taking them without losing one.
//
// A listening socket that is closed resets what the system has established and nobody has accepted, with whatever requests
// are on their way in there. So before it is closed, the system is told to leave the first packet of a connection (SYN)
// unanswered, by a filter on the socket; what had begun by then is accepted. A client that meets the filter tries again
// after a second by itself, and then finds nobody listening, or another server in this one's place.
import NIOCore
import Synchronization

/// The listening socket of a server.
final class Listener: Sendable {
    private let channel = Mutex<(any Channel)?>(nil)

    /// From now on connections are accepted one at a time: whoever counts them is asked before each, not before each handful.
    func listens(on channel: any Channel) async {
        self.channel.withLock { $0 = channel }
        try? await channel.setOption(.maxMessagesPerRead, value: 1).get()
    }

    /// From now on no connection begins; those that have begun can still be accepted. Where the system knows no filters
    /// everything stays as it is.
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

    /// SO_ATTACH_FILTER of Linux.
    private static let attachFilter: CInt = 26
}

/// A classic BPF program as Linux takes it: `struct sock_fprog`. What it points to is never freed.
private struct FilterProgram: @unchecked Sendable {
    /// `struct sock_filter`.
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
        // The flags.
        Instruction(code: 0x30, operand: 13),
        // Of these SYN and ACK.
        Instruction(code: 0x54, operand: 0x12),
        // SYN alone is dropped, everything else let through whole.
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
