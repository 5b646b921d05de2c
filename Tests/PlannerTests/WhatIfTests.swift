// The questions that the planner accepts, and those it refuses.
import Planner
import TesseraBase
import TestSupport
import Testing

struct WhatIfTests {
    @Test func `a question is read key by key`() throws {
        let asked = try WhatIf(
            parsing:
                "vectors=1e9, dim=768,recall=0.95,cache=10%,workers=8,store-ms=20,store-mbps=90")
        #expect(asked.vectors == 1_000_000_000 && asked.dimension == 768 && asked.recall == 0.95)
        #expect(asked.cachedShare == 0.1 && asked.workers == 8)
        #expect(asked.storeMilliseconds == 20 && asked.storeMegabytesPerSecond == 90)
        let plain = try WhatIf(parsing: "vectors=5000,nprobe=16,refine=40")
        #expect(plain.nprobe == 16 && plain.refineDepth == 40 && plain.recall == nil)
        #expect(plain.cachedShare == 1 && plain.workers == 1)
        #expect(try WhatIf(parsing: "vectors=5000,cache=0.25").cachedShare == 0.25)
    }

    @Test(arguments: [
        ("vectors=1e9,shards=3", "'shards=3'"), ("recall=0.9", "vectors=1e9"),
        ("vectors=1e9,recall=1", "recall=1"), ("vectors=1e9,recall=0", "recall=0"),
        ("vectors=1e9,recall=nan", "recall=nan"), ("vectors=many", "vectors=many"),
        ("vectors=1.5", "no whole number"), ("vectors=-3", "vectors=-3"),
        ("vectors=1e9,cache=110%", "cache=110%"), ("vectors=1e9,workers=0", "workers=0"),
        ("vectors=1e9,vectors=2e9", "twice"), ("vectors=1e9,dim=", "dim"), ("", "key=value"),
        ("vectors=1e9,recall=0.9,nprobe=4", "leave one out"), ("vectors=1e99", "1e99"),
    ])
    func `nonsense is refused by name`(text: String, named: String) async {
        let error = await failure { _ = try WhatIf(parsing: text) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains(named) == true, "\(error?.message ?? "")")
    }

    @Test func `an unknown key is answered with the known ones`() async {
        let error = await failure { _ = try WhatIf(parsing: "vectors=1,cash=1") }
        for key in WhatIf.keys { #expect(error?.message.contains(key) == true) }
    }
}
