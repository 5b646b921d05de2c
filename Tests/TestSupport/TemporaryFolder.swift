// A folder for one test, gone when the test is.
package import Foundation

/// A new folder, removed with everything in it when the value is released.
package final class TemporaryFolder: Sendable {
    package let url: URL

    package init() throws {
        url = FileManager.default.temporaryDirectory
            .appending(path: "tessera-test-\(UUID().uuidString)", directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    /// The path of `name` inside the folder.
    package func path(_ name: String) -> String {
        url.appending(path: name).path
    }

    /// Writes a file and returns its path.
    package func write(_ name: String, _ bytes: Data) throws -> String {
        let target = path(name)
        try bytes.write(to: URL(filePath: target))
        return target
    }
}
