// A coordinator that gives the answers of overload and of lost shards.
import Foundation
import Glibc
import TestSupport

/// A program that answers as a coordinator does. Every fourth answer misses half of its shards, and
/// after `refusesAfter` answers it refuses all requests.
final class FakeCoordinator: Sendable {
    /// Whether this machine can run it.
    static let isPossible = Python.accepts("import http.server")

    private static let script = """
        import http.server, json, sys
        limit, asked = int(sys.argv[1]), 0
        detail = dict(version=1, vectors=100, dimension=16, metric="l2", shards=2, lists=8, refine="sq8",
                      code_bytes=4, partition="cells", default_nprobe=4, default_refine=100, max_k=100,
                      operating_points=[])
        cost = {name: 1 for name in ("shards_offered shards_touched lists_scanned lists_skipped codes_scanned "
                "rows_refined reads round_trips bytes_read route_us choose_lists_us scan_us refine_us resolve_us").split()}
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def log_message(self, *words): pass
            def answer(self, status, value):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def do_GET(self):
                known = {"/v1/indexes/photos": detail, "/v1/indexes/photos/shards": dict(shards=[])}
                self.answer(200 if self.path in known else 404, known.get(self.path, {}))
            def do_POST(self):
                global asked
                self.rfile.read(int(self.headers["Content-Length"]))
                asked += 1
                if asked > limit:
                    return self.answer(429, dict(code="overloaded", message="too many", details={}))
                value = dict(version=1, results=[dict(id="7", score=1)], complete=True, source="disk",
                             receipt=cost, took_ms=1)
                if asked % 4 == 0: value.update(complete=False, share=0.5)
                self.answer(200, value)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print("serving http://127.0.0.1:%d" % server.server_port, flush=True)
        server.serve_forever()

        """

    let url: String
    private let program: Program

    init(in folder: TemporaryFolder, refusesAfter limit: Int) async throws {
        let script = try folder.write("fake.py", Data(Self.script.utf8))
        let output = try folder.write("fake.out", Data())
        program = try Program(
            "/usr/bin/env", ["python3", script, "\(limit)"], in: folder.url.path,
            outputPath: output)
        for _ in 0..<3000 {
            let text = try String(contentsOfFile: output, encoding: .utf8)
            if text.hasSuffix("\n") {
                url = String(text.dropFirst("serving ".count).dropLast())
                return
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        program.send(SIGKILL)
        throw SpawnFailure(description: "the fake does not start: \(program.wait().errors)")
    }

    func stop() {
        program.send(SIGKILL)
        _ = program.wait()
    }
}
