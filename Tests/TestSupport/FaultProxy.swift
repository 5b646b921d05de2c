// Scripts/fault-proxy.py as a process of the tests, and its rules as values.
import Foundation
import HTTPClient
import ObjectStore
import TesseraBase

/// When and how requests go wrong; the head of the script explains each field.
package struct FaultRule: Sendable, Encodable, CustomStringConvertible {
    package enum Fault: String, Sendable, Encodable {
        case delay, answer, reset, tear, garble, truncate, flip, hold
    }

    package var fault: Fault
    package var method: String?
    package var target: String?
    package var authorization: String?
    package var skip: Int?
    package var every: Int?
    package var times: Int?
    package var status: Int?
    package var code: String?
    package var retryAfter: Double?
    package var applied: Bool?
    package var bytes: Int?
    package var milliseconds: Int?

    package init(_ fault: Fault, applied: Bool? = nil, bytes: Int? = nil) {
        self.fault = fault
        self.applied = applied
        self.bytes = bytes
    }

    /// For the names of test cases.
    package var description: String {
        let parts = [
            fault.rawValue, status.map { "\($0)" }, code, applied == true ? "applied" : nil, method,
            target,
        ]
        return parts.compactMap { $0 }.joined(separator: " ")
    }

    /// An answer in the server's place.
    package static func answer(
        _ status: Int, _ code: String? = nil, retryAfter: Double? = nil, applied: Bool? = nil
    ) -> FaultRule {
        var rule = FaultRule(.answer, applied: applied)
        (rule.status, rule.code, rule.retryAfter) = (status, code, retryAfter)
        return rule
    }

    /// The same for the requests that both patterns find, and no more than `times`.
    package func on(
        _ method: String? = nil, _ target: String? = nil, skip: Int? = nil, times: Int? = nil
    ) -> FaultRule {
        var rule = self
        (rule.method, rule.target, rule.skip, rule.times) = (method, target, skip, times)
        return rule
    }
}

/// What the proxy tells of a scope.
package struct FaultReport: Sendable, Decodable {
    /// How often each rule was followed.
    package let fired: [Int]
    /// Requests that are held now.
    package let holding: Int
    /// Requests since the rules were set.
    package let seen: Int
}

package struct FaultProxyFailure: Error, CustomStringConvertible {
    package let description: String
}

/// A running proxy. It ends when the value is released, or with this process, whatever ends that.
package final class FaultProxy: Sendable {
    /// Where clients go instead of to the server.
    package let endpoint: String
    private let input: FileHandle
    private let process: Process

    /// One for all tests on the given server; each has a scope of its own.
    package static let shared = Task { () async throws -> FaultProxy in
        guard let server = S3TestServer.given else {
            throw FaultProxyFailure(description: S3TestServer.hint)
        }
        return try await onThread { try FaultProxy(before: server.endpoint) }
    }

    /// Blocks until the proxy listens.
    package init(before server: String) throws {
        let (input, output) = (Pipe(), Pipe())
        // No other child may keep it open: its end is what stops the proxy.
        _ = fcntl(input.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "python3", Python.script("fault-proxy.py"), "--attached", server,
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        self.input = input.fileHandleForWriting
        var line: [UInt8] = []
        while let byte = try output.fileHandleForReading.read(upToCount: 1)?.first, byte != 10 {
            line.append(byte)
        }
        endpoint = String(decoding: line, as: UTF8.self)
        guard endpoint.hasPrefix("http://") else {
            throw FaultProxyFailure(description: "the fault proxy does not start: '\(endpoint)'")
        }
    }

    deinit {
        try? input.close()
        process.waitUntilExit()
    }

    /// Sets the rules of a scope, and lets go what it holds. Requests belong to it that have its
    /// name in them.
    package func set(_ rules: [FaultRule], for scope: String) async throws {
        let body = try JSONEncoder().encode(rules)
        _ = try await ask(.put, scope, body: Array(body))
    }

    package func report(_ scope: String) async throws -> FaultReport {
        try await ask(.get, scope, body: nil)
    }

    /// Waits until the scope holds so many requests.
    package func waitUntilHolding(_ count: Int = 1, in scope: String) async throws {
        while try await report(scope).holding < count {
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func ask(_ method: HTTPMethod, _ scope: String, body: [UInt8]?) async throws
        -> FaultReport
    {
        let response = try await HTTPClient.shared.send(
            HTTPRequest(method, url: "\(endpoint)/_faults/\(scope)", body: body.map { $0[...] }))
        guard response.isSuccess else {
            throw FaultProxyFailure(description: "the fault proxy refuses: \(response.status)")
        }
        return try JSONDecoder().decode(FaultReport.self, from: Data(response.body))
    }
}

/// Runs what blocks, such as waiting for a process, on a thread of its own and not on one that
/// tasks share.
package func onThread<Value: Sendable>(
    _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result(catching: work)) }
    }
}
