// What scans the codes of a version.
package import TesseraBase

/// Which code scans; everything before and after a scan is the same.
package enum SearchEngine: String, Sendable, CaseIterable {
    /// Our own kernels.
    case tessera
    /// libfaiss, to hold the other against.
    case faiss

    /// Throws `unsupported` where this build lacks the engine, `invalidArgument` where it cannot search so.
    ///
    /// - Parameters:
    ///   - cold: as the user asked; nil leaves the choice to the store.
    ///   - isLocal: the store's objects can be read in place.
    package func check(cold: Bool?, isLocal: Bool = true) throws(TesseraError) {
        guard self == .faiss else { return }
        #if Faiss
            guard cold != true else {
                throw TesseraError(
                    .invalidArgument,
                    "the engine 'faiss' searches codes in memory only; leave out --cold")
            }
            guard isLocal else {
                throw TesseraError(
                    .invalidArgument,
                    "the engine 'faiss' searches a store on this machine only; "
                        + "leave out --engine faiss")
            }
        #else
            throw TesseraError(
                .unsupported,
                "this build has no engine 'faiss'; rebuild with `swift build --traits Faiss`, "
                    + "or leave out --engine faiss")
        #endif
    }
}
