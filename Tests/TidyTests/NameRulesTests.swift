// The checker of test names can fail.
import Testing

struct NameRulesTests {
    private func complaints(_ text: String) -> [String] {
        NameRules.complaints(TextFile(path: "Tests/ATests/A.swift", text: text))
    }

    @Test(arguments: [
        "@Test(\"A name\") func short() {}",
        "@Test(\n    \"A name\", arguments: [1])\nfunc f(_ a: Int) {}",
        "@Test func plain() {}", "@Test(arguments: [\"a\"])\nfunc plain(_ a: String) {}",
    ])
    func `another style of name is found`(text: String) {
        #expect(complaints("// A comment.\n" + text)[0].hasPrefix("Tests/ATests/A.swift:2: "))
    }

    @Test(arguments: [
        "@Test func `it does so`() {}", "@Test(arguments: [\"a\"])\nfunc `it does`(_ a: String) {}",
        "@Test(.enabled(if: isPossible, \"needs it\"))\nfunc `it does so`() {}",
        "let a = \"@Test func plain()\"", "// @Test func plain()",
    ])
    func `a sentence in backticks is fine`(text: String) {
        #expect(complaints(text) == [])
    }
}
