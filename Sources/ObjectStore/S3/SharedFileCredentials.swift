// AWS's shared files: keys from the credentials file, the region from the config file.
internal import Foundation
package import TesseraBase

/// The paths and the profile that an environment asks for.
package struct SharedFiles: Sendable, Equatable {
    package let profile: String
    let profileIsExplicit: Bool
    let credentialsPath: String
    let credentialsPathIsExplicit: Bool
    let configPath: String

    package init(_ environment: [String: String]) {
        let home = environment["HOME"] ?? NSHomeDirectory()
        profile = environment.filled("AWS_PROFILE") ?? "default"
        profileIsExplicit = environment.filled("AWS_PROFILE") != nil
        let credentials = environment.filled("AWS_SHARED_CREDENTIALS_FILE")
        credentialsPath = credentials ?? home + "/.aws/credentials"
        credentialsPathIsExplicit = credentials != nil
        configPath = environment.filled("AWS_CONFIG_FILE") ?? home + "/.aws/config"
    }

    /// The profile's region, where the config file can be read and has one.
    package func region() -> String? {
        guard let file = try? Self.read(configPath) else { return nil }
        let section = profile == "default" ? file["default"] : nil
        return (section ?? file["profile \(profile)"])?["region"]
    }

    static func read(_ path: String) throws(TesseraError) -> INIFile? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TesseraError(.unavailable, "cannot read '\(path)'; give this user access to it")
        }
        return try INIFile(String(decoding: data, as: UTF8.self), path: path)
    }
}

/// Credentials from `AWS_SHARED_CREDENTIALS_FILE` (or AWS's default path) and `AWS_PROFILE`.
package struct SharedFileCredentials: CredentialsProvider {
    package let source: String
    private let files: SharedFiles

    package init(_ environment: [String: String]) {
        files = SharedFiles(environment)
        source = "'\(files.credentialsPath)'"
    }

    package func credentials() async throws(TesseraError) -> Credentials? {
        let files = self.files
        let file = try await BlockingIO.shared.run { () throws(TesseraError) in
            try SharedFiles.read(files.credentialsPath)
        }
        guard let file else {
            if !files.credentialsPathIsExplicit { return nil }
            throw TesseraError(
                .invalidArgument,
                "there is no file '\(files.credentialsPath)', which AWS_SHARED_CREDENTIALS_FILE names"
            )
        }
        guard let section = file[files.profile] else {
            if !files.profileIsExplicit { return nil }
            throw TesseraError(
                .invalidArgument,
                "'\(files.credentialsPath)' has no profile '\(files.profile)', which AWS_PROFILE names; "
                    + "it has \(file.sectionNames.joined(separator: ", "))")
        }
        guard let access = section["aws_access_key_id"],
            let secret = section["aws_secret_access_key"]
        else {
            throw TesseraError(
                .invalidArgument,
                "profile '\(files.profile)' in '\(files.credentialsPath)' lacks aws_access_key_id or "
                    + "aws_secret_access_key")
        }
        return try Credentials(
            accessKey: access, secretKey: secret, sessionToken: section["aws_session_token"],
            source: "'\(files.credentialsPath)'")
    }
}

extension [String: String] {
    /// The value of a variable, unless it is empty, which means the same as unset.
    func filled(_ name: String) -> String? {
        self[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
