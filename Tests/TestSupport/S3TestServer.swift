// The real server that the environment names, if it does: `eval "$(Scripts/s3-server.sh start)"`.
import Foundation
package import ObjectStore
package import TesseraBase

/// Where the server is, and with which keys.
package struct S3TestServer: Sendable {
    package let endpoint: String
    package let accessKey: String
    package let secretKey: String
    package let bucket: String

    package static let given = S3TestServer(ProcessInfo.processInfo.environment)

    /// Nil where a variable is missing.
    package init?(_ environment: [String: String]) {
        func value(_ name: String) -> String? { environment["TESSERA_TEST_S3_\(name)"] }
        guard let endpoint = value("ENDPOINT"), let access = value("ACCESS_KEY"),
            let secret = value("SECRET_KEY"), let bucket = value("BUCKET")
        else { return nil }
        (self.endpoint, accessKey, secretKey, self.bucket) = (endpoint, access, secret, bucket)
    }

    package static let isGiven = given != nil
    package static let hint = "needs an S3 server: eval \"$(Scripts/s3-server.sh start)\""

    package var settings: S3Settings { S3Settings(endpoint: endpoint, usesPathStyle: true) }

    package func store(
        _ settings: S3Settings? = nil, bucket: String? = nil, access: String? = nil,
        secret: String? = nil, clock: WallClock = .system
    ) throws -> S3Store {
        let keys = try Credentials(
            accessKey: access ?? accessKey, secretKey: secret ?? secretKey, source: "the test")
        return try S3Store(
            bucket: bucket ?? self.bucket, settings: settings ?? self.settings,
            credentials: CachedCredentials(FixedCredentials(keys)), clock: clock)
    }

    /// A folder of the bucket for this test alone.
    package func emptyStore(_ settings: S3Settings? = nil) throws -> PrefixedStore {
        try PrefixedStore(store(settings), folder: "test/\(UUID().uuidString.lowercased())")
    }
}
