// How workers are named on the command line.
import Coordinator
import TesseraBase
import Testing

struct WorkerAddressTests {
    @Test(arguments: [
        ("10.0.0.1:7171", "10.0.0.1:7171"), ("worker-0:1", "worker-0:1"),
        ("[::1]:65535", "[::1]:65535"),
    ])
    func `what can be read`(_ text: String, _ description: String) throws {
        #expect(try WorkerAddress(text).description == description)
    }

    @Test(arguments: [
        "", ":", "host", "host:", ":7171", "host:0", "host:65536", "host:-1", "host:x",
        "::1:7171", "[]:1", "a b:1", "http://host:1",
    ])
    func `what cannot`(_ text: String) {
        let error = #expect(throws: TesseraError.self) { try WorkerAddress(text) }
        #expect(error?.code == .invalidArgument)
    }

    @Test func `a list is sorted and has no worker twice`() throws {
        let list = try WorkerAddresses("b:2,a:1")
        #expect(
            list == .list([WorkerAddress(host: "a", port: 1), WorkerAddress(host: "b", port: 2)]))
        #expect(throws: TesseraError.self) { try WorkerAddresses("a:1,a:1") }
        #expect(throws: TesseraError.self) { try WorkerAddresses("a:1,") }
    }

    @Test func `a name stands for many workers`() throws {
        #expect(
            try WorkerAddresses("dns:workers.search.svc:7171")
                == .name("workers.search.svc", port: 7171))
        #expect(throws: TesseraError.self) { try WorkerAddresses("dns:7171") }
    }
}
