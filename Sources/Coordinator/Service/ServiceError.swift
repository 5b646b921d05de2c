// Refusals and failures of the service, named by what the caller must do. A surface translates
// them into its protocol; nothing in here knows of HTTP.
//
// Invariant: a message is safe to show to any client. What only an operator can mend is described
// in `cause`, which is logged and never sent: it may name objects, paths and hosts.
package import TesseraBase

/// A refusal or failure of a service call.
package struct ServiceError: Error, Sendable {
    /// What the caller must do.
    package enum Code: Sendable, CaseIterable {
        /// Change the request.
        case invalidArgument
        /// Name an index, version, draft or id that exists.
        case notFound
        /// Look at the newest version, then decide again.
        case conflict
        /// Leave out what this index or build cannot do.
        case unsupported
        /// Send fewer requests at once, and try again in a moment.
        case overloaded
        /// Allow more time.
        case deadlineExceeded
        /// Try again in a moment.
        case unavailable
        /// Tell the operator: the server's log names the damaged object.
        case corrupted
        /// Tell the operator: a disk, a quota or a memory budget is used up.
        case resourceExhausted
    }

    /// The part of a request that an error is about. Each surface has its own name for it.
    package enum Parameter: Sendable, CaseIterable {
        case index, query, k, nprobe, refine, recall, extras, version, deadline
    }

    package let code: Code
    /// Lower case, without a final full stop.
    package let message: String
    package var parameter: Parameter?
    /// The limit that was exceeded.
    package var limit: Int?
    /// The failure behind this one, for the log alone.
    package var cause: TesseraError?

    package init(
        _ code: Code, _ message: String, parameter: Parameter? = nil, limit: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.parameter = parameter
        self.limit = limit
    }
}

extension ServiceError {
    /// Translates a failure of the modules below. Messages about damaged objects and unreachable
    /// stores name places that clients must not learn, so they are replaced.
    package init(_ error: TesseraError) {
        switch error.code {
        case .invalidArgument: self.init(.invalidArgument, error.message)
        case .notFound: self.init(.notFound, error.message)
        case .conflict, .unmet: self.init(.conflict, error.message)
        case .unsupported: self.init(.unsupported, error.message)
        case .corrupted:
            self.init(
                .corrupted, "an object of the index is damaged; the server's log says which")
        case .unavailable:
            self.init(
                .unavailable, "shards or the store cannot be reached now; try again in a moment")
        case .resourceExhausted:
            self.init(
                .resourceExhausted, "a disk, quota or memory budget of the server is used up")
        case .cancelled:
            self.init(.unavailable, "the request was given up; try again in a moment")
        }
        cause = error
    }

    static let late = ServiceError(
        .deadlineExceeded, "the deadline passed before the answer was there; allow more time",
        parameter: .deadline)

    static func unknownIndex(_ name: String) -> ServiceError {
        ServiceError(
            .notFound, "there is no index '\(name.prefix(80))' here", parameter: .index)
    }

    static func notServed(_ index: ServedIndex) -> ServiceError {
        ServiceError(
            .unavailable,
            "no version of index '\(index.name)' answers yet: "
                + (index.status.problem ?? "it is being opened"))
    }
}
