// The body of a search: exact values of what is read, and messages of what is refused.
import Coordinator
import TesseraBase
import Testing
import VectorCore

struct SearchBodyTests {
    private static let limits = BodyLimits(dimension: 2, batch: 3)

    private func read(_ text: String, _ limits: BodyLimits = Self.limits) throws -> SearchBody {
        let bytes = Array(text.utf8)
        return try SearchBody(bytes.span, limits: limits)
    }

    @Test func `every field arrives`() throws {
        let body = try read(
            #"""
             { "vector" : [ 1.5 , -2e-3 ],"k":7, "nprobe":3,"refine":20,"score_threshold":0.5,
            "deadline_ms":12.5,"allow_partial":true,"with":["vector"],"version":4,"explain":true}
            """#)
        #expect(body.query == .vector && body.floats == [1.5, -2e-3])
        #expect(body.k == 7 && body.nprobe == 3 && body.refine == 20 && body.recall == nil)
        #expect(body.scoreThreshold == 0.5 && body.deadlineMilliseconds == 12.5)
        #expect(body.allowPartial && body.explain && body.version == 4 && body.extras == .vector)
        let plain = try read(#"{"id":"a\u00e9\"\ud83d\ude00\n","recall":0.9}"#)
        #expect(plain.query == .id("aé\"😀\n") && plain.recall == 0.9 && plain.k == 10)
        #expect(plain.extras == .distance && !plain.explain)
        let many = try read(#"{"vectors":[[1,2],[3,4]]}"#)
        #expect(many.query == .vectors && many.floats == [1, 2, 3, 4])
    }

    @Test func `floats are read as the nearest ones, as by the standard library`() throws {
        var random = SeededRandom(seed: 11)
        var texts = [
            "0", "-0", "0.1", "1e-45", "1e-50", "1.17549435e-38", "3.4028235e38", "16777217",
            "16777219", "0.10000000149011612", "8388608.5", "8388609.5", "1.00000005960464477539",
            "1.000000059604644775390625", "9007199254740993", "0.000000000000000000000001",
            "123456789012345678901234567890", "1E5", "1e+5", "1.5E-3", "-33554435",
        ]
        for _ in 0..<20_000 {
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            guard float.isFinite else { continue }
            texts += ["\(float)", "\(Double(float))", "\(Double(float).nextUp)"]
            // Numbers halfway between two floats, and next to that.
            let middle = (Double(float) + Double(float.nextUp)) / 2
            if middle.isFinite, abs(middle) < 3e38 { texts += ["\(middle)", "\(middle.nextDown)"] }
        }
        for text in texts {
            let body = try read(#"{"vector":[\#(text),1]}"#)
            let expected = try #require(Float(text))
            #expect(body.floats[0].bitPattern == expected.bitPattern, "\(text)")
        }
    }

    @Test func `base64 is little-endian float32, any bit pattern that is finite`() throws {
        var random = SeededRandom(seed: 12)
        for count in 1...40 {
            let floats = (0..<count).map { _ in
                Float(bitPattern: UInt32(truncatingIfNeeded: random.next()) & 0xBFFF_FFFF)
            }
            let limits = BodyLimits(dimension: count, batch: 1)
            let body = try read(#"{"vector":"\#(floats.base64)"}"#, limits)
            #expect(body.floats.map(\.bitPattern) == floats.map(\.bitPattern))
        }
    }

    @Test(arguments: [
        (#"{"vektor":[1,2]}"#, "vektor"), (#"{"vector":[1,2],"vector":[1,2]}"#, "vector"),
        (#"{"vector":[1]}"#, "vector"), (#"{"vector":[1,2,3]}"#, "vector"),
        (#"{"vector":[]}"#, "vector"), (#"{"vector":[NaN,1]}"#, "vector"),
        (#"{"vector":[1e39,1]}"#, "vector"), (#"{"vector":[01,1]}"#, "vector"),
        (#"{"vector":[1.,1]}"#, "vector"), (#"{"vector":[+1,1]}"#, "vector"),
        (#"{"vector":[null,1]}"#, "vector"), (#"{"vector":[[1,2]]}"#, "vector"),
        (#"{"vector":{"a":1}}"#, "vector"), (#"{"vector":"AAAA"}"#, "vector"),
        (#"{"vector":"AACAPwAAAE!="}"#, "vector"), (#"{"vector":"AACAfwAAgH8="}"#, "vector"),
        (#"{"vector":""}"#, "vector"), (#"{"vectors":[[1,2],[3]]}"#, "vectors"),
        (#"{"vectors":[[1,2],[1,2],[1,2],[1,2]]}"#, "vectors"), (#"{"vectors":[]}"#, "vectors"),
        (#"{"k":3}"#, "vector"), (#"{"vector":[1,2],"id":"a"}"#, "id"),
        (#"{"vector":[1,2],"k":-1}"#, "k"), (#"{"vector":[1,2],"k":1.5}"#, "k"),
        (#"{"vector":[1,2],"k":"3"}"#, "k"),
        (#"{"vector":[1,2],"k":99999999999999999999}"#, "k"),
        (#"{"vector":[1,2],"recall":0.9,"nprobe":3}"#, "nprobe"),
        (#"{"vector":[1,2],"deadline_ms":-1}"#, "deadline_ms"),
        (#"{"vector":[1,2],"deadline_ms":1e9}"#, "deadline_ms"),
        (#"{"vector":[1,2],"explain":1}"#, "explain"),
        (#"{"vector":[1,2],"with":["vectors"]}"#, "with"),
        (#"{"vector":[1,2],"with":["vector","vector"]}"#, "with"),
        (#"{"id":"\ud83d"}"#, "id"), (#"{"id":"\x"}"#, "id"), (#"{"id":7}"#, "id"),
    ])
    func `what is wrong is named`(text: String, field: String) throws {
        let error = try #require(throws: APIError.self) { _ = try read(text) }
        #expect(error.code == .invalidArgument)
        #expect(error.field == field, "\(error.message)")
    }

    @Test(arguments: [
        ("", 0), ("[]", 0), ("{", 1), (#"{"vector":[1,2]"#, 15), (#"{"vector":[1,2]}x"#, 16),
        (#"{"vector" [1,2]}"#, 10), (#"{vector:[1,2]}"#, 1), (#"{"vector":[1 2]}"#, 13),
        (#"{"vector":[1,2],}"#, 16), ("{\"id\":\"a\u{1}\"}", 8), (#"{"id":"a"#, 8),
    ])
    func `an error in JSON names the byte`(text: String, offset: Int) throws {
        let error = try #require(throws: APIError.self) { _ = try read(text) }
        #expect(error.code == .invalidArgument)
        #expect(error.offset == offset, "\(error.message)")
    }

    @Test func `bytes that are not UTF-8 are refused in ids and names`() {
        for text in [#"{"id":"?"}"#, #"{"?":1}"#] {
            let bytes = Array(text.utf8).map { $0 == UInt8(ascii: "?") ? 0xFF : $0 }
            #expect(throws: APIError.self) {
                _ = try SearchBody(bytes.span, limits: Self.limits)
            }
        }
    }

    @Test func `mutated bodies are read or refused, and never anything else`() throws {
        let seeds = [
            #"{"vector":[1.5,-2e-3],"k":7,"nprobe":3,"with":["vector","distance"],"explain":true}"#,
            #"{"vectors":[[1,2],[3,4.25e1]],"score_threshold":-0.5,"deadline_ms":12.5}"#,
            #"{"vector":"AACAPwAAAEA=","recall":0.95,"allow_partial":false}"#,
            #"{"id":"a\u00e9\n\ud83d\ude00","version":12,"refine":100}"#,
        ].map { Array($0.utf8) }
        var random = SeededRandom(seed: 5)
        var accepted = 0
        for round in 0..<60_000 {
            var bytes = seeds[round % seeds.count]
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                Self.mutate(&bytes, seeds, &random)
            }
            do {
                let body = try SearchBody(bytes.span, limits: Self.limits)
                accepted += 1
                #expect(body.floats.allSatisfy { $0.isFinite })
                if case .id = body.query {} else { #expect(body.floats.count % 2 == 0) }
                #expect(body.floats.count <= 6)
            } catch {
                #expect(error.code == .invalidArgument && (error.offset ?? 0) <= bytes.count)
            }
        }
        #expect(accepted > 500)
    }

    private static func mutate(
        _ bytes: inout [UInt8], _ seeds: [[UInt8]], _ random: inout SeededRandom
    ) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2:
            let letters = Array(#"{}[]",:\0123456789.eE+-tfn "#.utf8)
            bytes.insert(letters[Int.random(in: 0..<letters.count, using: &random)], at: place)
        case 3: bytes.removeSubrange(place...)
        default:
            let other = seeds[Int.random(in: 0..<seeds.count, using: &random)]
            bytes.insert(
                contentsOf: other[Int.random(in: 0..<other.count, using: &random)...], at: place)
        }
    }
}
