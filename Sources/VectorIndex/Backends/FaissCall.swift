// Calls across the C shim to Faiss, and how their failures become errors.
#if Faiss
    import CFaissShim
    import TesseraBase

    /// Calls of the Faiss this package was built with.
    enum FaissCall {
        static var version: String { String(cString: tessera_faiss_version()) }

        /// Makes one call across the shim and turns its status into an error.
        static func make(
            _ work: String, _ body: (inout [CChar], Int) -> Int32
        ) throws(TesseraError) {
            var message = [CChar](repeating: 0, count: 1024)
            let status = body(&message, message.count)
            guard status != TESSERA_FAISS_OK else { return }
            let reason = String(
                decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw TesseraError(
                status == TESSERA_FAISS_OUT_OF_MEMORY ? .resourceExhausted : .unavailable,
                "faiss \(version) failed in \(work): \(reason)")
        }
    }
#endif
