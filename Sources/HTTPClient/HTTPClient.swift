// HTTP for stores and credential services: callers await, one thread drives libcurl.
internal import Foundation
internal import Synchronization
package import TesseraBase

/// Limits of a client, and the certificates it trusts.
package struct HTTPClientSettings: Sendable, Equatable {
    /// Concurrent transfers, and so connections.
    package var connectionLimit: Int
    /// Concurrent transfers to one origin.
    package var connectionLimitByOrigin: Int
    /// A file of certificates to trust instead of the system's.
    package var caFile: String?

    package init(
        connectionLimit: Int = 128, connectionLimitByOrigin: Int = 64, caFile: String? = nil
    ) {
        self.connectionLimit = connectionLimit
        self.connectionLimitByOrigin = connectionLimitByOrigin
        self.caFile = caFile
    }
}

/// Sends requests, each once. Connections are kept, bounded and verified; a cancelled task's
/// transfer is taken down.
///
/// The thread ends with this object. Requests retain the client, so none is cut off.
package final class HTTPClient: Sendable {
    private let loop: HTTPLoop
    private let clock: SteadyClock
    private let lastID = Atomic<UInt64>(0)

    /// The client of stores that were given no other one. It trusts `AWS_CA_BUNDLE` where that is
    /// set.
    package static let shared = HTTPClient(
        HTTPClientSettings(caFile: ProcessInfo.processInfo.environment["AWS_CA_BUNDLE"]))

    /// - Parameter clock: what deadlines are measured by.
    package init(
        _ settings: HTTPClientSettings = HTTPClientSettings(), clock: SteadyClock = .system
    ) {
        self.clock = clock
        loop = HTTPLoop(settings, clock)
    }

    deinit {
        loop.stop()
    }

    /// Sends a request and returns the answer, of any status.
    package func send(_ request: HTTPRequest) async throws(HTTPFailure) -> HTTPResponse {
        let id = lastID.add(1, ordering: .relaxed).newValue
        let deadline = clock.now() + request.deadlines.total
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.submit(
                    HTTPSubmission(id: id, request: request, deadline: deadline) {
                        continuation.resume(returning: $0)
                    })
                // The handler below may have run before there was anything to cancel.
                if Task.isCancelled { loop.cancel(id) }
            }
        } onCancel: {
            loop.cancel(id)
        }
        return try result.get()
    }
}
