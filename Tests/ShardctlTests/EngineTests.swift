// `query --engine`, for the program as it is built, with or without Faiss.
import TestSupport
import Testing
import VectorCore

struct EngineTests {
    #if Faiss
        @Test func `both engines give the same answers, and --stats says which it was`() throws {
            let place = try Workplace()
            try place.write("base.fbin", Matrix.sample(rows: 600))
            try place.trainAndPublish("base.fbin")
            func query(_ engine: String) throws -> [String] {
                try place.mustRun(
                    "query",
                    [
                        "--vectors", "base.fbin", "-k", "5", "--refine", "300", "--stats",
                        "--engine", engine,
                    ]
                ).lines
            }
            let own = try query("tessera")
            let faiss = try query("faiss")
            #expect(own.count == 601 && own.dropLast() == faiss.dropLast())
            #expect(own.last?.contains("\"engine\":\"tessera\"") == true)
            #expect(faiss.last?.contains("\"engine\":\"faiss\"") == true)
        }

        @Test func `Faiss does not search cold`() throws {
            let outcome = try Workplace().run(
                "query", ["--vectors", "no.fbin", "--engine", "faiss", "--cold"])
            expectComplaint(outcome, status: 65, says: ["'faiss'", "leave out --cold"])
        }
    #else
        @Test(arguments: [[], ["--cold"]])
        func `without Faiss its engine is refused before anything is opened`(_ more: [String])
            throws
        {
            let outcome = try Workplace().run(
                "query", ["--vectors", "no.fbin", "--engine", "faiss"] + more)
            expectComplaint(
                outcome, status: 78,
                says: ["'faiss'", "swift build --traits Faiss", "leave out --engine faiss"])
        }
    #endif
}
