// Signatures against the vectors that AWS publishes: its general test suite, and the examples of
// S3's manual.
import Foundation
import HTTPClient
import ObjectStore
import Testing

struct S3SignatureTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var method = "GET"
        var path = "/"
        var query: [(name: String, value: String)] = []
        var headers: [HTTPHeader] = []
        let signature: String
    }

    private static let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private func signature(
        _ vector: Vector, host: String, service: String, access: String, secret: String,
        digest: String, time: TimeInterval
    ) throws -> String {
        let keys = try Credentials(accessKey: access, secretKey: secret, source: "the test")
        let request = SignableRequest(
            method: vector.method, path: vector.path, query: vector.query,
            headers: vector.headers + [HTTPHeader("Host", host)], payloadDigest: digest)
        let headers = RequestSigner(region: "us-east-1", service: service).sign(
            request, with: keys, at: Date(timeIntervalSince1970: time))
        return headers.last?.value ?? ""
    }

    @Test(arguments: [
        Vector(
            testDescription: "get-vanilla",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        Vector(
            testDescription: "get-vanilla-query-order-key-case",
            query: [("Param2", "value2"), ("Param1", "value1")],
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        Vector(
            testDescription: "get-vanilla-empty-query-key", query: [("Param1", "value1")],
            signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
        Vector(
            testDescription: "get-utf8", path: "/%E1%88%B4",
            signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
        Vector(
            testDescription: "get-unreserved",
            path: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
            signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
        Vector(
            testDescription: "get-header-value-trim",
            headers: [
                HTTPHeader("My-Header1", " value1"), HTTPHeader("My-Header2", " \"a   b   c\""),
            ],
            signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
        Vector(
            testDescription: "post-vanilla", method: "POST",
            signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ])
    func `the general test suite`(vector: Vector) throws {
        let header = try signature(
            vector, host: "example.amazonaws.com", service: "service", access: "AKIDEXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", digest: Self.empty,
            time: 1_440_938_160)
        #expect(
            header.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ")
        )
        #expect(header.hasSuffix("Signature=\(vector.signature)"))
    }

    @Test(arguments: [
        Vector(
            testDescription: "GET object", path: "/test.txt",
            headers: [HTTPHeader("Range", "bytes=0-9"), HTTPHeader("x-amz-content-sha256", empty)],
            signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
        Vector(
            testDescription: "PUT object", method: "PUT", path: "/test%24file.text",
            headers: [
                HTTPHeader("Date", "Fri, 24 May 2013 00:00:00 GMT"),
                HTTPHeader("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                HTTPHeader(
                    "x-amz-content-sha256",
                    "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
            ],
            signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
        Vector(
            testDescription: "GET bucket lifecycle", query: [("lifecycle", "")],
            headers: [HTTPHeader("x-amz-content-sha256", empty)],
            signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        Vector(
            testDescription: "list objects", query: [("prefix", "J"), ("max-keys", "2")],
            headers: [HTTPHeader("x-amz-content-sha256", empty)],
            signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ])
    func `the examples of the S3 manual`(vector: Vector) throws {
        let digest = vector.headers.first { $0.name == "x-amz-content-sha256" }?.value ?? ""
        let header = try signature(
            vector, host: "examplebucket.s3.amazonaws.com", service: "s3",
            access: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            digest: digest, time: 1_369_353_600)
        #expect(header.hasSuffix("Signature=\(vector.signature)"))
    }

    @Test func `a session token is sent and signed`() throws {
        let keys = try Credentials(
            accessKey: "a", secretKey: "s", sessionToken: "token/+=", source: "the test")
        let request = SignableRequest(
            method: "GET", path: "/", headers: [HTTPHeader("host", "h")], payloadDigest: Self.empty)
        let headers = RequestSigner(region: "r").sign(
            request, with: keys, at: Date(timeIntervalSince1970: 0))
        #expect(headers.contains(HTTPHeader("x-amz-security-token", "token/+=")))
        #expect(headers.contains(HTTPHeader("x-amz-date", "19700101T000000Z")))
        #expect(
            headers.last?.value.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,")
                == true)
    }

    @Test func `a query is sorted after encoding, and valueless parameters keep their sign`() {
        let request = SignableRequest(
            method: "GET", path: "/", query: [("uploads", ""), ("a b", "+/"), ("a-b", "é")],
            headers: [], payloadDigest: "")
        #expect(request.canonicalQuery == "a%20b=%2B%2F&a-b=%C3%A9&uploads=")
    }
}
