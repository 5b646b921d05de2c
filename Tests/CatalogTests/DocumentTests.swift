// The documents' bytes: golden examples of every format version, and bytes that must be refused.
import Catalog
import Foundation
import ObjectStore
import TesseraBase
import Testing

struct DocumentTests {
    private static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().appending(path: "../../manifests").standardizedFileURL

    static func golden(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: name)))
    }

    @Test func `golden examples are read and written back byte for byte`() throws {
        for name in [
            "manifest.v1.json", "manifest-rollback.v1.json", "manifest-tuned.v1.json",
            "manifest-certified.v1.json",
        ] {
            let bytes = try Self.golden(name)
            #expect(try Manifest(decoding: bytes, object: name).encoded() == bytes)
        }
        let draft = try Self.golden("draft.v1.json")
        #expect(try Draft(decoding: draft, object: "draft").encoded() == draft)
        let tombstone = try Self.golden("tombstone.v1.json")
        #expect(try Tombstone(decoding: tombstone, object: "tombstone").encoded() == tombstone)
    }

    @Test func `the golden manifest says what it says`() throws {
        let manifest = try Manifest(decoding: Self.golden("manifest.v1.json"), object: "golden")
        #expect(manifest.version == 3)
        #expect(manifest.kind == .publish)
        #expect(manifest.createdAt == Date(timeIntervalSince1970: 1_769_860_800))
        #expect(manifest.index.shards[1].open.range == 6_300_000..<6_400_000)
        #expect(manifest.index.router.digest == ContentDigest(of: Array("router".utf8)))
    }

    @Test(arguments: [
        ("\"vectors\" : 50500", "\"vectors\" : 50501", "100001 vectors, but it says 100000"),
        ("\"entries\" : 100000", "\"entries\" : 7", "7 vectors"),
        ("\"vectors\" : 50500", "\"vectors\" : -1", "vectors of shard 0 is -1"),
        ("\"bytes\" : 4096", "\"bytes\" : -4096", "not the JSON"),
        ("\"bytes\" : 4096", "\"bytes\" : 0", "router has no bytes"),
        ("\"length\" : 100000", "\"length\" : 100001", "cannot be opened"),
        ("\"offset\" : 6400000", "\"offset\" : 18446744073709551615", "cannot be opened"),
        ("\"metric\" : \"cosine\"", "\"metric\" : \"l3\"", "metric is 'l3'"),
        ("\"name\" : \"photos\"", "\"name\" : \"../x\"", "no index name"),
        ("\"digest\" : \"", "\"digest\" : \"0", "not the JSON"),
        ("\"kind\" : \"publish\"", "\"kind\" : \"rollback\"", "rollbackOf is missing"),
        ("\"version\" : 3", "\"version\" : 0", "version 0"),
        ("\"bits\" : 4", "\"bits\" : 17", "bits"),
        ("\"dimension\" : 96", "\"dimension\" : 0", "dimension is 0"),
        ("tessera.manifest", "tessera.draft", "not a 'tessera.manifest'"),
    ])
    func `a manifest that cannot be true is corrupted`(
        old: String, new: String, reason: String
    ) async throws {
        let text = String(decoding: try Self.golden("manifest.v1.json"), as: UTF8.self)
        let place = try #require(text.range(of: old))
        let bytes = Array(text.replacingCharacters(in: place, with: new).utf8)
        let error = await failure { _ = try Manifest(decoding: bytes, object: "versions/x") }
        #expect(error?.code == .corrupted)
        #expect(error?.message.contains("versions/x") == true)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test func `a newer format says which version this build reads`() async throws {
        let text = String(decoding: try Self.golden("manifest.v1.json"), as: UTF8.self)
            .replacingOccurrences(of: "\"formatVersion\" : 1", with: "\"formatVersion\" : 2")
        let error = await failure { _ = try Manifest(decoding: Array(text.utf8), object: "x") }
        #expect(error?.code == .unsupported)
        #expect(error?.message.contains("this build reads version 1") == true)
    }

    @Test func `a manifest cut anywhere is an error`() async throws {
        let bytes = try Self.golden("manifest.v1.json")
        // Without the final newline and brace it is no JSON object; the newline alone is not
        // missed.
        for length in 0..<(bytes.count - 1) {
            let error = await failure {
                _ = try Manifest(decoding: Array(bytes[..<length]), object: "x")
            }
            #expect(error?.code == .corrupted, "cut at \(length)")
        }
    }

    @Test(arguments: ["a", "photos", "0.a_b-c", String(repeating: "x", count: 63)])
    func `these are index names`(text: String) throws {
        #expect(try IndexName(text).text == text)
    }

    @Test(arguments: ["", "-a", ".a", "A", "a/b", "é", "a b", String(repeating: "x", count: 64)])
    func `these are not`(text: String) async {
        #expect(await failure { _ = try IndexName(text) }?.code == .invalidArgument)
    }
}
