// Which backends this build has, and how a user names one.
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

    /// The backend that trains unless the user says otherwise: `faiss` where it is built in.
    package static var `default`: any IndexBackend {
        #if Faiss
            FaissBackend()
        #else
            MockBackend()
        #endif
    }

    /// The backend called `name`.
    ///
    /// - Throws: `unsupported` where the package knows the backend and this build lacks it,
    ///   `invalidArgument` where there is no such backend.
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
