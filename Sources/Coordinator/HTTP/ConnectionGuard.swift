// Closes connections of clients that send or read too slowly, and those that were told to close.
//
// Invariants: a request that was received is answered before its connection closes, also during
// shutdown. After the last answer the connection is closed for sending first, and its input drained
// until the client closes too: closing with unread bytes would reset the connection and could take
// the answer from the client (RFC 9112, 9.6).
//
// Each connection has one timer, which fires a few times within the shortest limit; requests set no
// timers. Times in here are NIO's: the event loop that runs these handlers has its own clock.
import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Watches one connection, between the HTTP codec and the responder.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let body: TimeAmount
    private let idle: TimeAmount
    private let write: TimeAmount
    private let farewell: TimeAmount
    private let closing: Closing
    private var tick: TimeAmount
    private var timer: Scheduled<Void>?
    /// When the last request ended; nil while one is under way.
    private var idleSince: NIODeadline?
    /// When the head of a request arrived whose body is not complete.
    private var readingSince: NIODeadline?
    /// When the client stopped taking bytes.
    private var blockedSince: NIODeadline?
    private var closeAt: NIODeadline?
    private var requests = 0
    private var closesAfterAnswer = false
    /// Set after the last answer: the connection closes as soon as that is sent.
    private var isClosing = false
    private var isOver = false

    /// - Parameter closing: once it has begun, every answer is the last of its connection.
    init(_ limits: ServerLimits, _ closing: Closing) {
        self.closing = closing
        farewell = TimeAmount(limits.farewellTime)
        body = TimeAmount(limits.bodyTime)
        idle = TimeAmount(limits.idleTime)
        write = TimeAmount(limits.writeTime)
        let shortest = min(body, idle, write)
        tick = .nanoseconds(max(10_000_000, min(1_000_000_000, shortest.nanoseconds / 4)))
    }

    func handlerAdded(context: ChannelHandlerContext) {
        idleSince = .now()
        schedule(context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        isOver = true
        timer?.cancel()
        timer = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOver = true
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // After the last response, drain input without handling it: closing with unread bytes would
        // reset the connection.
        guard !isClosing else { return }
        switch unwrapInboundIn(data) {
        case .head:
            requests += 1
            idleSince = nil
            closeAt = nil
            readingSince = .now()
        case .body: break
        case .end: readingSince = nil
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isClosing { context.read() }
        context.fireChannelReadComplete()
    }

    /// Handles the end of accepting. A connection without a request may have one on its way, and
    /// gets a moment for it.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is ChannelShouldQuiesceEvent else {
            return context.fireUserInboundEventTriggered(event)
        }
        guard !isClosing else { return }
        closesAfterAnswer = true
        if requests == 0, closeAt == nil { closeAt = .now() + farewell }
        tick = min(tick, .milliseconds(50))
        timer?.cancel()
        schedule(context)
    }

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        guard !isClosing else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(let head): write(head, promise, context)
        case .body:
            context.write(data, promise: promise)
        case .end:
            requests = max(0, requests - 1)
            if requests == 0 { idleSince = .now() }
            if closesAfterAnswer { return closeAfter(data, promise, context) }
            context.write(data, promise: promise)
        }
    }

    private func write(
        _ head: HTTPResponse, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
    ) {
        var head = head
        if head.isOfCodec {
            closesAfterAnswer = true
            let error = APIError(
                .invalidArgument, "this is not readable as HTTP/1.1; the connection is closed")
            let body = ErrorDocument(error).json
            head.headerFields[.contentType] = "application/json"
            head.headerFields[.contentLength] = String(body.readableBytes)
            context.write(wrapOutboundOut(.head(head)), promise: promise)
            context.write(wrapOutboundOut(.body(body)), promise: nil)
            return
        }
        if closing.hasBegun || closesAfterAnswer { head.headerFields[.connection] = "close" }
        if head.headerFields[.connection] == "close" { closesAfterAnswer = true }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        blockedSince = context.channel.isWritable ? nil : .now()
        context.fireChannelWritabilityChanged()
    }

    /// Closes after the answer. A body that is still on its way gets a moment, since closing before
    /// it was read would lose the answer as well.
    private func closeAfter(
        _ data: NIOAny, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
    ) {
        guard readingSince == nil else {
            closeAt = .now() + .seconds(1)
            return context.writeAndFlush(data, promise: promise)
        }
        finish(data, promise, context)
    }

    /// Writes the end of the last answer, closes for sending once it is sent, and waits for the
    /// client to close.
    private func finish(
        _ data: NIOAny, _ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext
    ) {
        isClosing = true
        closeAt = .now() + write
        let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { [self] _ in
            guard !isOver else { return }
            closeAt = .now() + .seconds(1)
            context.close(mode: .output, promise: nil)
            context.read()
        }
        context.writeAndFlush(data, promise: sent)
    }

    /// Ignores a close of the codec once the last answer is written: it comes before the answer is
    /// sent, and ``finish(_:_:_:)`` closes after that.
    func close(
        context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?
    ) {
        guard isClosing else { return context.close(mode: mode, promise: promise) }
        switch mode {
        case .all: context.channel.closeFuture.cascade(to: promise)
        case .output, .input: promise?.succeed()
        }
    }

    private func schedule(_ context: ChannelHandlerContext) {
        guard !isOver else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: tick) { [self] in
            timer = nil
            look(context)
        }
    }

    private func look(_ context: ChannelHandlerContext) {
        let now = NIODeadline.now()
        if let closeAt, now >= closeAt { return context.close(promise: nil) }
        if let blockedSince, now - blockedSince >= write { return context.close(promise: nil) }
        if let idleSince, now - idleSince >= idle { return context.close(promise: nil) }
        if let readingSince, now - readingSince >= body, closeAt == nil, !isClosing {
            refuse(context)
        }
        schedule(context)
    }

    /// Answers that the body took too long, unless another request is being answered, and closes.
    private func refuse(_ context: ChannelHandlerContext) {
        guard requests == 1 else { return context.close(promise: nil) }
        let error = APIError(
            .requestTimeout, "the body did not arrive within \(body.nanoseconds / 1_000_000_000) s")
        let body = ErrorDocument(error).json
        let fields: HTTPFields = [
            .contentType: "application/json", .contentLength: String(body.readableBytes),
            .connection: "close",
        ]
        let head = HTTPResponse(status: error.code.status, headerFields: fields)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        finish(NIOAny(HTTPResponsePart.end(nil)), nil, context)
    }
}

extension HTTPResponse {
    /// Whether this is Hummingbird's response to bytes that are not HTTP; the API's have a body.
    fileprivate var isOfCodec: Bool {
        status == .badRequest && headerFields[.contentLength] == "0"
    }
}

@available(*, unavailable)
extension ConnectionGuard: Sendable {}

extension TimeAmount {
    init(_ duration: Duration) {
        self = .nanoseconds(duration.nanoseconds)
    }
}
