// The keys that sign requests, and their providers. Keys never appear in a message or a log.
package import Foundation
internal import Synchronization
package import TesseraBase

/// An access key with its secret.
package struct Credentials: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    package let accessKey: String
    package let secretKey: String
    package let sessionToken: String?
    /// Time of expiry; nil for never.
    package let expiry: Date?

    /// Throws `invalidArgument` where the parts cannot be keys. `source` names their origin.
    package init(
        accessKey: String, secretKey: String, sessionToken: String? = nil, expiry: Date? = nil,
        source: String
    ) throws(TesseraError) {
        for (what, value) in [
            ("access key", accessKey), ("secret key", secretKey),
            ("session token", sessionToken ?? "none"),
        ] {
            let isClean = value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            guard isClean, !value.isEmpty else {
                let reason =
                    value.isEmpty
                    ? "empty" : "damaged: it has a space, a line end or a character that no key has"
                throw TesseraError(
                    .invalidArgument, "the \(what) from \(source) is \(reason)")
            }
        }
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
        self.expiry = expiry
    }

    package var description: String { "credentials of \(accessKey.prefix(4))…" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A place where credentials may be found.
package protocol CredentialsProvider: Sendable {
    /// Name of the place for messages, such as "the environment".
    var source: String { get }

    /// The credentials, or nil where this place is not set up. Throws where it is set up and does
    /// not work.
    func credentials() async throws(TesseraError) -> Credentials?
}

/// Credentials that the caller gave.
package struct FixedCredentials: CredentialsProvider {
    package let source = "the given credentials"
    private let value: Credentials

    package init(_ value: Credentials) {
        self.value = value
    }

    package func credentials() async throws(TesseraError) -> Credentials? { value }
}

/// Credentials from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
package struct EnvironmentCredentials: CredentialsProvider {
    package let source = "the environment"
    private let environment: [String: String]

    package init(_ environment: [String: String]) {
        self.environment = environment
    }

    package func credentials() async throws(TesseraError) -> Credentials? {
        let access = environment["AWS_ACCESS_KEY_ID"] ?? ""
        let secret = environment["AWS_SECRET_ACCESS_KEY"] ?? ""
        if access.isEmpty && secret.isEmpty { return nil }
        guard !access.isEmpty, !secret.isEmpty else {
            let missing = access.isEmpty ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"
            throw TesseraError(
                .invalidArgument,
                "\(missing) is not set, though its other half is; set both or none")
        }
        let token = environment["AWS_SESSION_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        return try Credentials(
            accessKey: access, secretKey: secret, sessionToken: token, source: source)
    }
}

/// Asks several providers in order and takes the first that is set up.
package struct CredentialsChain: CredentialsProvider {
    package let source = "the usual places"
    private let providers: [any CredentialsProvider]

    package init(_ providers: [any CredentialsProvider]) {
        self.providers = providers
    }

    package func credentials() async throws(TesseraError) -> Credentials? {
        for provider in providers {
            if let found = try await provider.credentials() { return found }
        }
        let places = providers.map(\.source).joined(separator: ", ")
        throw TesseraError(
            .invalidArgument,
            "no S3 credentials were found in \(places); set AWS_ACCESS_KEY_ID and "
                + "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
    }
}

/// Caches a provider's credentials: one request serves all waiting callers, and they are renewed
/// shortly before they expire.
package actor CachedCredentials {
    /// Time before expiry at which credentials are renewed.
    private static let margin: TimeInterval = 300
    /// After a failed renewal, the next try waits this long while the old ones still work.
    private static let pause: TimeInterval = 30

    private let provider: any CredentialsProvider
    private let clock: WallClock
    private var current: Credentials?
    private var nextTry = Date.distantPast
    private var fetch: Task<Result<Credentials, TesseraError>, Never>?

    package init(_ provider: any CredentialsProvider, clock: WallClock = .system) {
        self.provider = provider
        self.clock = clock
    }

    /// Credentials that are valid now.
    package func credentials() async throws(TesseraError) -> Credentials {
        let now = clock.now()
        if let current {
            let left = current.expiry?.timeIntervalSince(now) ?? .infinity
            if left > Self.margin || (left > 0 && now < nextTry) { return current }
        }
        let result = await fetched()
        switch result {
        case .success(let fresh):
            return fresh
        case .failure(let error):
            if let current, current.expiry.map({ $0 > now }) ?? true {
                nextTry = now.addingTimeInterval(Self.pause)
                return current
            }
            throw error
        }
    }

    /// Forgets `credentials`, which the store refused as expired, unless they were renewed already.
    package func forget(_ credentials: Credentials) {
        if current == credentials { current = nil }
    }

    /// Fetches in a task of its own, because it serves all waiting callers and the first of them
    /// may be cancelled.
    private func fetched() async -> Result<Credentials, TesseraError> {
        if let fetch { return await fetch.value }
        let provider = self.provider
        let task = Task { () -> Result<Credentials, TesseraError> in
            do throws(TesseraError) {
                if let found = try await provider.credentials() { return .success(found) }
                return .failure(
                    TesseraError(
                        .invalidArgument, "no S3 credentials were found in \(provider.source)"))
            } catch {
                return .failure(error)
            }
        }
        fetch = task
        let result = await task.value
        // The first caller to resume stores the result; all waiting callers get the same one.
        if fetch == task {
            fetch = nil
            if case .success(let fresh) = result { current = fresh }
        }
        return result
    }
}
