// The engines that scan codes, and the checks that one can be used.
package import TesseraBase

/// Engine that scans the codes. All other stages are the same for every engine.
package enum SearchEngine: String, Sendable, CaseIterable {
    /// Tessera's own kernels.
    case tessera
    /// libfaiss, for comparison.
    case faiss

    /// Throws `unsupported` if this build lacks the engine, `invalidArgument` if the engine cannot
    /// search in this way.
    ///
    /// - Parameters:
    ///   - cold: the user's choice; nil leaves it to the store.
    ///   - isLocal: whether the store's objects can be read in place.
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
