// One exchange in libcurl: the options of an easy handle, and what libcurl calls back with.
//
// Threads: a transfer is made, called back and ended on the loop's thread only.
internal import CCurl
internal import Foundation
internal import Synchronization

/// Sets up an easy handle for one request and collects the answer.
final class HTTPTransfer {
    let handle: UnsafeMutableRawPointer
    let submission: HTTPSubmission
    private var collector: ResponseCollector
    private var sent = 0
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private let errorText: UnsafeMutablePointer<CChar>

    init(
        _ handle: UnsafeMutableRawPointer, _ submission: HTTPSubmission, _ caFile: String?,
        timeLeft: Duration
    ) {
        self.handle = handle
        self.submission = submission
        collector = ResponseCollector(
            limit: submission.request.responseLimit, hasBody: submission.request.method != .head)
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        setConnection(caFile)
        setTimes(timeLeft)
        setRequest()
        setCallbacks()
    }

    deinit {
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    /// The result of the exchange.
    func result(_ code: CURLcode) -> Result<HTTPResponse, HTTPFailure> {
        let host = submission.request.origin
        if code == CURLE_OK {
            if collector.isHeadComplete { return .success(collector.response) }
            return .failure(
                HTTPFailure(
                    .interrupted, "\(host): the answer broke off in its head",
                    mayHaveArrived: true))
        }
        if let complaint = collector.complaint {
            return .failure(
                HTTPFailure(.tooLarge, "\(host): \(complaint)", mayHaveArrived: true))
        }
        var begun: curl_off_t = 0
        _ = tsr_curl_get_offset(handle, CURLINFO_PRETRANSFER_TIME_T, &begun)
        let detail = String(cString: errorText)
        let reason = detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
        return .failure(
            HTTPFailure(
                CurlCode.kind(of: code), "\(host): \(reason)", mayHaveArrived: begun > 0))
    }

    private func setConnection(_ caFile: String?) {
        let request = submission.request
        set(CURLOPT_URL, request.url)
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_TCP_KEEPALIVE, 1)
        set(CURLOPT_USERAGENT, "tessera")
        let version =
            request.url.hasPrefix("https:") ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1
        set(CURLOPT_HTTP_VERSION, version)
        if let caFile { set(CURLOPT_CAINFO, caFile) }
        if request.bypassesProxy { set(CURLOPT_PROXY, "") }
        if !request.maySendTwice { set(CURLOPT_FRESH_CONNECT, 1) }
        // Large answers gain from large reads; small ones should not pay for the buffer.
        set(CURLOPT_BUFFERSIZE, min(max(request.responseLimit, 16 << 10), 512 << 10))
    }

    private func setTimes(_ left: Duration) {
        let deadlines = submission.request.deadlines
        set(CURLOPT_CONNECTTIMEOUT_MS, max(1, deadlines.connect.milliseconds))
        set(CURLOPT_TIMEOUT_MS, max(1, left.milliseconds))
        // libcurl measures speed over seconds: one byte a second is "no progress".
        set(CURLOPT_LOW_SPEED_LIMIT, 1)
        set(CURLOPT_LOW_SPEED_TIME, max(1, (deadlines.stall.milliseconds + 999) / 1000))
    }

    private func setRequest() {
        let request = submission.request
        if let body = request.body {
            set(CURLOPT_UPLOAD, 1)
            _ = tsr_curl_set_offset(
                handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(body.count))
            set(CURLOPT_UPLOAD_BUFFERSIZE, min(max(body.count, 16 << 10), 512 << 10))
        }
        if request.method == .head { set(CURLOPT_NOBODY, 1) }
        set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        for header in request.headers { addHeader("\(header.name): \(header.value)") }
        // Without this, libcurl waits for "100 Continue" before larger bodies.
        addHeader("Expect:")
        _ = tsr_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headerList)
    }

    private func setCallbacks() {
        let me = Unmanaged.passUnretained(self).toOpaque()
        for option in [
            CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_READDATA, CURLOPT_SEEKDATA,
            CURLOPT_PRIVATE,
        ] { _ = tsr_curl_set_pointer(handle, option, me) }
        _ = tsr_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText)
        _ = tsr_curl_set_callback(handle, CURLOPT_WRITEFUNCTION) { data, size, count, me in
            transfer(me).receive(UnsafeRawBufferPointer(start: data, count: size * count))
        }
        _ = tsr_curl_set_callback(handle, CURLOPT_HEADERFUNCTION) { data, size, count, me in
            transfer(me).receiveHeader(UnsafeRawBufferPointer(start: data, count: size * count))
        }
        _ = tsr_curl_set_callback(handle, CURLOPT_READFUNCTION) { data, size, count, me in
            transfer(me).send(UnsafeMutableRawBufferPointer(start: data, count: size * count))
        }
        _ = tsr_curl_set_seek(handle) { me, offset, origin in
            transfer(me).seek(to: offset, from: origin)
        }
    }

    private func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        collector.addBody(bytes.bytes) ? bytes.count : 0
    }

    private func receiveHeader(_ bytes: UnsafeRawBufferPointer) -> Int {
        collector.addHeader(String(decoding: bytes, as: UTF8.self)) ? bytes.count : 0
    }

    private func send(_ room: UnsafeMutableRawBufferPointer) -> Int {
        guard let body = submission.request.body else { return 0 }
        let count = min(room.count, body.count - sent)
        let start = body.startIndex + sent
        room.copyBytes(from: body[start..<start + count])
        sent += count
        return count
    }

    private func seek(to offset: curl_off_t, from origin: Int32) -> Int32 {
        guard origin == SEEK_SET, let body = submission.request.body,
            let place = Int(exactly: offset),
            (0...body.count).contains(place)
        else { return CURL_SEEKFUNC_FAIL }
        sent = place
        return CURL_SEEKFUNC_OK
    }

    private func set(_ option: CURLoption, _ value: Int) {
        _ = tsr_curl_set_long(handle, option, value)
    }

    private func set(_ option: CURLoption, _ value: String) {
        _ = tsr_curl_set_string(handle, option, value)
    }

    private func addHeader(_ line: String) {
        headerList = curl_slist_append(headerList, line)
    }
}

/// The transfer that a callback belongs to. It outlives the handle's use: the loop holds it until
/// it is ended.
private func transfer(_ me: UnsafeMutableRawPointer?) -> HTTPTransfer {
    guard let me else { preconditionFailure("libcurl lost its user data") }
    return Unmanaged<HTTPTransfer>.fromOpaque(me).takeUnretainedValue()
}

extension Duration {
    /// Whole milliseconds, truncated; bounded to about 290 years, so that they fit.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        let bounded = max(-9_000_000_000, min(seconds, 9_000_000_000))
        return Int(bounded * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}

/// Maps libcurl's result codes to kinds of failure.
enum CurlCode {
    static func kind(of code: CURLcode) -> HTTPFailure.Kind {
        switch code {
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .unknownHost
        case CURLE_COULDNT_CONNECT: .cannotConnect
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            .untrusted
        case CURLE_SSL_CONNECT_ERROR: .cannotConnect
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_FUNCTION_ARGUMENT:
            .badRequest
        default: .interrupted
        }
    }
}
