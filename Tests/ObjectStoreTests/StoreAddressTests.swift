// Addresses as people type them, and digests as documents spell them.
import Foundation
import ObjectStore
import TesseraBase
import Testing

struct StoreAddressTests {
    @Test(arguments: [
        ("file:///data/idx", "/data/idx"), ("file:///data/idx/", "/data/idx"),
        ("file://localhost/data", "/data"), ("FILE:///a%20b/%C3%A9", "/a b/é"),
        ("/plain/path", "/plain/path"), ("/a//b/./c/../d", "/a/b/d"), ("file:///", "/"),
    ])
    func `file addresses and plain paths are understood`(text: String, path: String) throws {
        #expect(try StoreAddress(text) == .folder(path: path))
    }

    @Test func `a relative path is taken from the current folder`() throws {
        let here = FileManager.default.currentDirectoryPath
        #expect(try StoreAddress("./idx") == .folder(path: here + "/idx"))
    }

    @Test func `an address survives the way through a store`() throws {
        let store = try openStore("/data/a b%é")
        #expect(store.uncached.address == "file:///data/a%20b%25%C3%A9")
        #expect(try StoreAddress(store.uncached.address) == .folder(path: "/data/a b%é"))
    }

    @Test(arguments: [
        ("s3://bucket/some/prefix/", "bucket", "some/prefix"),
        ("S3://my.bucket-1", "my.bucket-1", ""),
        ("s3://bucket/", "bucket", ""), ("s3://bucket/a b%20é", "bucket", "a b%20é"),
    ])
    func `bucket addresses are understood`(text: String, name: String, prefix: String) throws {
        #expect(try StoreAddress(text) == .bucket(name: name, prefix: prefix))
        let store = try openStore(text, environment: [:])
        #expect(store.uncached.address == "s3://\(name)" + (prefix.isEmpty ? "" : "/\(prefix)"))
    }

    @Test func `a bad key in a bucket address is refused`() async {
        let error = await failure { _ = try openStore("s3://bucket/../x", environment: [:]) }
        #expect(error?.code == .invalidArgument)
    }

    @Test(arguments: [
        ("", ErrorCode.invalidArgument), ("ftp://x/y", .invalidArgument),
        ("file://host/x", .invalidArgument), ("file://relative", .invalidArgument),
        ("file:///a%zz", .invalidArgument), ("file:///a%00b", .invalidArgument),
        ("s3://", .invalidArgument), ("s3:///key", .invalidArgument), ("s3://a", .invalidArgument),
        ("s3://bücket/x", .invalidArgument),
    ])
    func `other addresses are refused with an example`(text: String, code: ErrorCode) async {
        let error = await failure { _ = try openStore(text) }
        #expect(error?.code == code)
        #expect(error?.message.contains("file:///data/tessera") == true)
    }
}

struct ContentDigestTests {
    @Test func `digests are SHA-256 in lower-case hexadecimal`() throws {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        #expect(ContentDigest(of: Array("abc".utf8)).hex == abc)
        var hasher = ContentHasher()
        hasher.update(Array("a".utf8))
        Array("bc".utf8).withUnsafeBytes { hasher.update($0) }
        #expect(hasher.finish().hex == abc)
        #expect(try ContentDigest(hex: abc).hex == abc)
    }

    @Test(arguments: [
        "", "abc", String(repeating: "A", count: 64), String(repeating: "g", count: 64),
    ])
    func `anything else is no digest`(text: String) async {
        #expect(await failure { _ = try ContentDigest(hex: text) }?.code == .invalidArgument)
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode([ContentDigest].self, from: JSONEncoder().encode([text]))
        }
    }
}
