// The interface between the server and an API that it speaks. The native API is one surface; others
// stand beside it on the same service and share connections, keys, limits, traces and logs.
package import HTTPTypes
package import NIOCore
package import TesseraBase

/// One API over HTTP: it finds the route of a request, reads the body, asks the service and writes
/// the answer.
package protocol Surface: Sendable {
    /// Everything that this API answers.
    associatedtype Route: SurfaceRoute

    /// The route of a request; nil for a path that is not part of this API.
    ///
    /// - Parameter target: the request's path with its query.
    /// - Throws: `methodNotAllowed` for a path of this API that does not take the method.
    func route(_ method: HTTPRequest.Method, target: String) throws(APIError) -> Route?

    /// Answers a request that was let in.
    ///
    /// - Parameters:
    ///   - body: the whole body; empty for a route that takes none.
    ///   - start: when the request arrived.
    nonisolated(nonsending) func answer(
        _ route: Route, body: ByteBuffer, start: SteadyClock.Instant
    ) async throws(APIError) -> APIAnswer

    /// Writes an error as this API's clients expect it.
    func answer(for error: APIError) -> APIAnswer
}

/// What the server must know about a route before it answers.
package protocol SurfaceRoute: Sendable {
    /// Whether the body is read.
    var takesBody: Bool { get }
    /// The access that a key must grant; nil for a route that needs no key.
    var access: Access? { get }
    /// Whether this is a search, which stays on the thread of its connection while it is small.
    var isSearch: Bool { get }
}

/// A whole answer.
package struct APIAnswer: Sendable {
    package var status: HTTPResponse.Status
    package var contentType: String
    /// Headers besides those that every answer has.
    package var headers: [HTTPField]
    package var body: ByteBuffer

    package init(
        status: HTTPResponse.Status = .ok, contentType: String = "application/json",
        headers: [HTTPField] = [], body: ByteBuffer
    ) {
        self.status = status
        self.contentType = contentType
        self.headers = headers
        self.body = body
    }
}
