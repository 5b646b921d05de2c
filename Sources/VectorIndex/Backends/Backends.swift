// The backends of this build, and the names users give them.
package import TesseraBase

/// The backends compiled into this build.
package enum Backends {
    private static let names = ["mock", "faiss"]

    /// Every backend of this build, `mock` first.
    package static var available: [any IndexBackend] {
        #if Faiss
            [MockBackend(), FaissBackend()]
        #else
            [MockBackend()]
        #endif
    }

    /// The default backend for training: `faiss` where it is built in.
    package static var `default`: any IndexBackend {
        #if Faiss
            FaissBackend()
        #else
            MockBackend()
        #endif
    }

    /// The backend called `name`.
    ///
    /// - Throws: `unsupported` for a known backend that this build lacks, `invalidArgument` for an
    ///   unknown name.
    package static func named(_ name: String) throws(TesseraError) -> any IndexBackend {
        if let backend = available.first(where: { $0.identity.name == name }) { return backend }
        guard names.contains(name) else {
            throw TesseraError(
                .invalidArgument,
                "there is no backend '\(name)'; choose one of \(names.joined(separator: ", "))")
        }
        throw TesseraError(
            .unsupported,
            "this build has no backend '\(name)'; rebuild with `swift build --traits Faiss`, "
                + "or choose --backend mock")
    }
}
