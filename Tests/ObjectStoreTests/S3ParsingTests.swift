// What comes from outside as text: answers, files of keys, endpoints.
import Foundation
import HTTPClient
import ObjectStore
import TesseraBase
import Testing

struct XMLTreeTests {
    @Test func `elements, text, entities, attributes and comments`() throws {
        let text = """
            <?xml version="1.0" encoding="UTF-8"?><!-- hello -->
            <s:List xmlns:s="http://x" a='>'><Key>a&amp;b&lt;&#x1F989;&#39;é</Key><Empty/><Key> x </Key>
            <!-- <Key>no</Key> --></s:List>
            """
        let tree = try XMLTree(Array(text.utf8))
        #expect(tree.name == "List")
        #expect(tree.all("Key").map(\.text) == ["a&b<🦉'é", " x "])
        #expect(tree["Empty"]?.text == "")
        #expect(tree["None"] == nil)
    }

    @Test func `what is escaped is read back`() throws {
        let text = "a<b>&\"'🦉"
        #expect(try XMLTree(Array("<k>\(XMLTree.escaped(text))</k>".utf8)).text == text)
    }

    @Test(arguments: [
        "", "text", "<a>", "<a></b>", "<a", "<a b></a>", "<a b=c></a>", "<a>&nope;</a>", "<a>&</a>",
        "<a/><b/>", "<a/>x", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a><![CDATA[x]]></a>",
        "<a>&#xD800;</a>", "<a><!-- </a>", String(repeating: "<a>", count: 10_000),
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: XMLTree.Malformed.self) { try XMLTree(Array(text.utf8)) }
    }

    @Test func `a document cut anywhere is refused`() {
        let whole = Array("<a><b c=\"d\">e&amp;f</b><g/></a>".utf8)
        for length in 0..<whole.count {
            #expect(throws: XMLTree.Malformed.self) { try XMLTree(Array(whole[..<length])) }
        }
        #expect(throws: XMLTree.Malformed.self) { try XMLTree([60, 97, 62, 0xFF, 60, 47, 97, 62]) }
    }
}

struct INIFileTests {
    @Test func `sections, comments, spaces and nested groups`() throws {
        let text = """
            # keys
            [default]
            aws_access_key_id = AKID
            AWS_SECRET_ACCESS_KEY=a=b/c+d

            [ other ]\r
            ; nothing
            s3 =
              max_concurrent_requests = 20
            region=eu-west-1\r
            [default]
            region = us-west-2
            """
        let file = try INIFile(text, path: "keys")
        #expect(file["default"]?["aws_access_key_id"] == "AKID")
        #expect(file["default"]?["aws_secret_access_key"] == "a=b/c+d")
        #expect(file["default"]?["region"] == "us-west-2")
        #expect(file["other"]?["region"] == "eu-west-1")
        #expect(file.sectionNames == ["default", "other"])
    }

    @Test(arguments: [("[default", "line 1"), ("\na = b", "line 2"), ("[a]\nsecret", "line 2")])
    func `a broken line is named, and its value is not shown`(text: String, place: String) async {
        let error = await failure { _ = try INIFile(text, path: "keys") }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix("keys, \(place)") == true)
        #expect(error?.message.contains("secret") == false)
    }
}

struct S3EndpointTests {
    @Test(arguments: [
        (S3Settings(), "data", "https://data.s3.us-east-1.amazonaws.com", "/k%20y/%2B"),
        (
            S3Settings(region: "cn-north-1"), "data", "https://data.s3.cn-north-1.amazonaws.com.cn",
            "/k%20y/%2B"
        ),
        (S3Settings(), "my.data", "https://s3.us-east-1.amazonaws.com", "/my.data/k%20y/%2B"),
        (
            S3Settings(endpoint: "http://LOCALHOST:9000/"), "data", "http://localhost:9000",
            "/data/k%20y/%2B"
        ),
        (S3Settings(endpoint: "https://h:443"), "data", "https://h", "/data/k%20y/%2B"),
        (S3Settings(endpoint: "http://[::1]:80"), "data", "http://[::1]", "/data/k%20y/%2B"),
        (
            S3Settings(endpoint: "https://h", usesPathStyle: false), "data", "https://data.h",
            "/k%20y/%2B"
        ),
    ])
    func `buckets are addressed by host or by path`(
        settings: S3Settings, bucket: String, base: String, path: String
    ) throws {
        let endpoint = try S3Endpoint(bucket: bucket, settings: settings)
        #expect(endpoint.base == base)
        #expect(endpoint.path("k y/+") == path)
        #expect(endpoint.path(nil) == (base.contains("data.") ? "/" : "/\(bucket)"))
    }

    @Test(arguments: ["", "h", "ftp://h", "http://", "http://u:p@h", "http://h/path", "http://h?x"])
    func `other endpoints are refused`(text: String) async {
        let error = await failure {
            _ = try S3Endpoint(bucket: "data", settings: S3Settings(endpoint: text))
        }
        #expect(error?.code == .invalidArgument)
    }

    @Test func `settings are completed from the environment and the config file`() async throws {
        let variables = [
            "AWS_DEFAULT_REGION": "r2", "AWS_ENDPOINT_URL": "http://all",
            "AWS_ENDPOINT_URL_S3": "http://s3",
        ]
        let found = S3Settings().completed(from: variables)
        #expect(found.region == "r2")
        #expect(found.endpoint == "http://s3")
        let given = S3Settings(region: "mine", endpoint: "http://mine")
        #expect(given.completed(from: variables) == given)
    }
}

struct ResponseCollectorTests {
    @Test func `interim answers are forgotten and long errors are cut`() {
        var collector = ResponseCollector(limit: 10, hasBody: true)
        for line in [
            "HTTP/1.1 100 Continue\r\n", "X: 1\r\n", "\r\n", "HTTP/2 500\r\n", "Y:2 \r\n", "\r\n",
        ] {
            let isTaken = collector.addHeader(line)
            #expect(isTaken)
        }
        let piece = [UInt8](repeating: 1, count: 50_000)
        for _ in 0..<4 {
            let isTaken = collector.addBody(piece.span.bytes)
            #expect(isTaken)
        }
        #expect(collector.response.status == 500)
        #expect(collector.response.headers == ["y": "2"])
        #expect(collector.response.body.count == ResponseCollector.errorBodyLimit)
    }

    @Test func `endless headers are stopped`() {
        var collector = ResponseCollector(limit: 10, hasBody: true)
        var taken = 0
        while taken < 10_000,
            collector.addHeader("x-\(taken): \(String(repeating: "y", count: 90))")
        {
            taken += 1
        }
        #expect(taken < 2000)
        #expect(collector.complaint != nil)
    }
}
