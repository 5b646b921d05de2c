// The one thread that owns a curl_multi. Other threads put requests into its inbox and wake it.
//
// Invariants: each submission is replied to exactly once; after `stop` nothing is accepted and all
// that was waiting is replied to, and when it returns, libcurl holds nothing of this loop, so that
// the process may exit without breaking a connection that is being closed.
internal import CCurl
internal import Foundation
internal import Glibc
internal import Synchronization
internal import TesseraBase

/// A request on its way to the loop.
struct HTTPSubmission: Sendable {
    let id: UInt64
    let request: HTTPRequest
    let deadline: SteadyClock.Instant
    let reply: @Sendable (Result<HTTPResponse, HTTPFailure>) -> Void
}

/// Unchecked: `inbox` is locked, `multi` is only woken from outside, the rest belongs to the
/// thread.
final class HTTPLoop: @unchecked Sendable {
    private struct Inbox {
        var submitted: [HTTPSubmission] = []
        var cancelled: [UInt64] = []
        var isStopping = false
        /// Whether the multi handle is freed, or about to be.
        var hasEnded = false
    }

    /// Easy handles kept for reuse; they carry no connection, only their buffers.
    private static let idleLimit = 32

    private let inbox = Mutex(Inbox())
    private let ended = NSCondition()
    /// Whether the thread has released libcurl; guarded by `ended`.
    private var hasLetGo = false
    private let multi: UnsafeMutableRawPointer?
    private let caFile: String?
    private let clock: SteadyClock
    private var queue: TransferQueue
    private var waiting: [UInt64: HTTPSubmission] = [:]
    private var running: [UInt64: HTTPTransfer] = [:]
    private var idle: [UnsafeMutableRawPointer] = []

    init(_ settings: HTTPClientSettings, _ clock: SteadyClock) {
        self.clock = clock
        multi = CurlLibrary.isReady ? curl_multi_init() : nil
        caFile = settings.caFile
        queue = TransferQueue(
            totalLimit: settings.connectionLimit, originLimit: settings.connectionLimitByOrigin)
        guard let multi else { return }
        _ = tsr_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, settings.connectionLimit)
        let thread = Thread { [self] in run() }
        thread.name = "tessera-http"
        thread.start()
    }

    func submit(_ submission: HTTPSubmission) {
        let isAccepted = inbox.withLock { inbox in
            guard !inbox.isStopping, multi != nil else { return false }
            inbox.submitted.append(submission)
            return true
        }
        guard isAccepted else { return submission.reply(.failure(Self.closed)) }
        wake()
    }

    func cancel(_ id: UInt64) {
        inbox.withLock { $0.cancelled.append(id) }
        wake()
    }

    /// Ends the thread and waits for it. Not to be called on it.
    func stop() {
        guard multi != nil else { return }
        inbox.withLock { $0.isStopping = true }
        wake()
        ended.lock()
        while !hasLetGo { ended.wait() }
        ended.unlock()
    }

    private static let closed = HTTPFailure(.closed, "the HTTP client is shut down")

    private func wake() {
        inbox.withLock { inbox in
            if let multi, !inbox.hasEnded { curl_multi_wakeup(multi) }
        }
    }

    private func run() {
        Self.blockBrokenPipeSignal()
        while takeInbox() {
            expire()
            while let id = queue.startNext() { start(id) }
            var count: Int32 = 0
            curl_multi_perform(multi, &count)
            if endFinished() == 0 { curl_multi_poll(multi, nil, 0, pollMilliseconds(), nil) }
        }
        for id in queue.all { end(id, .failure(Self.closed)) }
        inbox.withLock { $0.hasEnded = true }
        for handle in idle { curl_easy_cleanup(handle) }
        curl_multi_cleanup(multi)
        ended.lock()
        hasLetGo = true
        ended.broadcast()
        ended.unlock()
    }

    /// libcurl leaves signals alone when told so, but OpenSSL writes to closed sockets.
    private static func blockBrokenPipeSignal() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Takes over what was submitted and cancelled; false once the loop has to end.
    private func takeInbox() -> Bool {
        let taken = inbox.withLock { inbox in
            let taken = inbox
            inbox.submitted = []
            inbox.cancelled = []
            return taken
        }
        for submission in taken.submitted {
            waiting[submission.id] = submission
            queue.add(
                submission.id, origin: submission.request.origin, deadline: submission.deadline)
        }
        for id in taken.cancelled {
            end(id, .failure(HTTPFailure(.cancelled, "the request was cancelled")))
        }
        return !taken.isStopping
    }

    private func expire() {
        for id in queue.removeExpired(at: clock.now()) {
            guard let submission = waiting.removeValue(forKey: id) else { continue }
            let total = submission.request.deadlines.total
            submission.reply(
                .failure(
                    HTTPFailure(
                        .timedOut,
                        "\(submission.request.origin): no connection was free within \(total)")))
        }
    }

    private func start(_ id: UInt64) {
        guard let submission = waiting.removeValue(forKey: id) else { return }
        guard let handle = idle.popLast() ?? curl_easy_init() else {
            _ = queue.remove(id)
            return submission.reply(.failure(HTTPFailure(.closed, "libcurl is out of memory")))
        }
        let transfer = HTTPTransfer(
            handle, submission, caFile, timeLeft: submission.deadline - clock.now())
        running[id] = transfer
        let code = curl_multi_add_handle(multi, handle)
        if code != CURLM_OK {
            let reason = String(cString: curl_multi_strerror(code))
            end(id, .failure(HTTPFailure(.badRequest, "libcurl refuses the request: \(reason)")))
        }
    }

    private func endFinished() -> Int {
        var ended = 0
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle
            else { continue }
            let code = message.pointee.data.result
            guard let transfer = running.values.first(where: { $0.handle == handle }) else {
                continue
            }
            end(transfer.submission.id, transfer.result(code))
            ended += 1
        }
        return ended
    }

    private func end(_ id: UInt64, _ result: Result<HTTPResponse, HTTPFailure>) {
        guard queue.remove(id) != nil else { return }
        if let submission = waiting.removeValue(forKey: id) { return submission.reply(result) }
        guard let transfer = running.removeValue(forKey: id) else { return }
        curl_multi_remove_handle(multi, transfer.handle)
        curl_easy_reset(transfer.handle)
        if idle.count < Self.idleLimit {
            idle.append(transfer.handle)
        } else {
            curl_easy_cleanup(transfer.handle)
        }
        transfer.submission.reply(result)
    }

    private func pollMilliseconds() -> Int32 {
        guard let deadline = queue.nextDeadline else { return 1000 }
        return Int32(max(0, min(1000, (deadline - clock.now()).milliseconds + 1)))
    }
}

/// libcurl's global initialisation, once per process.
enum CurlLibrary {
    static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
}
