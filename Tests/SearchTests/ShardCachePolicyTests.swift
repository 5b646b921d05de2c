// Tests of the decision which shards stay in memory, without any shards.
import ObjectStore
import Search
import TesseraBase
import Testing
import VectorCore

struct ShardCachePolicyTests {
    private func key(_ number: Int) -> ShardCacheKey {
        ShardCacheKey(digest: digest(number), residency: .all)
    }

    /// A full cache of three shards of 10 bytes, each used as often as given, all at second 0.
    private func full(uses: [Int]) -> ShardCachePolicy {
        var policy = ShardCachePolicy(
            budget: 10 * uses.count, heat: ShardHeat(halfLife: .seconds(10)))
        for (number, count) in uses.enumerated() {
            policy.heat.touch(digest(number), uses: Double(count), at: .zero)
            _ = policy.admit(key(number), bytes: 10, wish: .ahead, at: .zero)
            _ = policy.loaded(key(number), bytes: 10)
        }
        return policy
    }

    /// One decision about a shard that is not held.
    struct Case: Sendable {
        let uses: [Int]
        /// Uses of the newcomer, including the current one.
        let newcomer: Int
        var bytes = 10
        var seconds = 0
        /// The shards evicted; nil if the newcomer is not admitted.
        let victims: [Int]?
    }

    @Test(arguments: [
        Case(uses: [5, 3, 4], newcomer: 1, victims: nil),
        Case(uses: [5, 3, 4], newcomer: 4, victims: nil),
        Case(uses: [5, 3, 4], newcomer: 5, victims: [1]),
        Case(uses: [5, 3, 4], newcomer: 100, victims: [1]),
        Case(uses: [5, 3, 4], newcomer: 8, bytes: 20, victims: nil),
        Case(uses: [5, 3, 4], newcomer: 9, bytes: 20, victims: [1, 2]),
        Case(uses: [5, 3, 4], newcomer: 100, bytes: 31, victims: nil),
        // Equally cold shards are evicted in order of admission.
        Case(uses: [0, 0, 0], newcomer: 2, victims: [0]),
        // A shard used once does not even evict an unused one.
        Case(uses: [0, 0, 0], newcomer: 1, victims: nil),
        // Old uses count less: after four half-lives 16 uses count as one.
        Case(uses: [16, 32, 64], newcomer: 2, seconds: 40, victims: nil),
        Case(uses: [16, 32, 64], newcomer: 3, seconds: 40, victims: [0]),
    ])
    func `a newcomer takes the place of colder shards only`(_ item: Case) {
        var policy = full(uses: item.uses)
        let now = Duration.seconds(item.seconds)
        policy.heat.touch(digest(9), uses: Double(item.newcomer), at: now)
        let victims = policy.admit(key(9), bytes: item.bytes, wish: .query, at: now)
        #expect(victims == item.victims.map { $0.map(key) })
        #expect(policy.evictions == item.victims?.count ?? 0)
        #expect(policy.refusals == (item.victims == nil ? 1 : 0))
        for number in item.uses.indices {
            #expect(policy.holds(key(number)) == !(item.victims?.contains(number) ?? false))
        }
    }

    @Test func `a leased shard is not evicted, however cold`() {
        var policy = full(uses: [0, 5])
        let isLeased = policy.lease(key(0))
        policy.heat.touch(digest(9), uses: 100, at: .zero)
        let first = policy.admit(key(9), bytes: 10, wish: .query, at: .zero)
        policy.failed(key(9))
        let second = policy.admit(key(9), bytes: 20, wish: .version, at: .zero)
        let isDropped = policy.release(key(0))
        let third = policy.admit(key(9), bytes: 20, wish: .version, at: .zero)
        #expect(isLeased && !isDropped)
        #expect(first == [key(1)])
        #expect(second == nil)
        #expect(third == [key(0)])
    }

    @Test func `a shard larger than estimated makes room when its size is known`() {
        var policy = full(uses: [1, 2, 3])
        policy.heat.touch(digest(9), uses: 100, at: .zero)
        let first = policy.admit(key(9), bytes: 5, wish: .query, at: .zero)
        let second = policy.loaded(key(9), bytes: 20)
        #expect(first == [key(0)])
        #expect(second == [key(1)])
        #expect(policy.holds(key(9)) && policy.bytes == 30)
    }

    @Test func `a shard larger than estimated is dropped where nothing else can be evicted`() {
        var policy = full(uses: [1, 2, 3])
        let leases = (1...2).map { policy.lease(key($0)) }
        let first = policy.admit(key(9), bytes: 5, wish: .version, at: .zero)
        let second = policy.loaded(key(9), bytes: 11)
        #expect(leases == [true, true])
        #expect(first == [key(0)])
        #expect(second == nil)
        #expect(!policy.holds(key(9)) && policy.bytes == 20)
    }

    @Test func `shards of a closed version go when they have no lease and no open version`() {
        var policy = full(uses: [1, 1, 1])
        policy.open([key(0), key(1)])
        policy.open([key(1), key(2)])
        let isLeased = policy.lease(key(0))
        let first = policy.close([key(0), key(1)])
        #expect(isLeased && first.isEmpty && policy.holds(key(0)))
        let isDropped = policy.release(key(0))
        #expect(isDropped && !policy.holds(key(0)) && policy.holds(key(1)))
        let second = policy.close([key(1), key(2)])
        #expect(Set(second) == [key(1), key(2)])
        #expect(policy.bytes == 0 && policy.count == 0)
    }

    @Test(arguments: 0..<20)
    func `whatever happens, the books add up to no more than the budget`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var policy = ShardCachePolicy(budget: 100)
        var loading: [Int: Int] = [:]
        var leases: [Int] = []
        for step in 0..<2000 {
            let number = Int.random(in: 0..<20, using: &random)
            let now = Duration.seconds(step)
            switch Int.random(in: 0..<6, using: &random) {
            case 0, 1:
                guard loading[number] == nil, !policy.holds(key(number)) else { continue }
                policy.heat.touch(digest(number), at: now)
                let bytes = Int.random(in: 1...30, using: &random)
                let wish = [ShardCachePolicy.Wish.query, .ahead, .version][step % 3]
                if policy.admit(key(number), bytes: bytes, wish: wish, at: now) != nil {
                    loading[number] = bytes
                }
            case 2:
                guard let bytes = loading.removeValue(forKey: number) else { continue }
                let actual = max(1, bytes + Int.random(in: -5...15, using: &random))
                _ = policy.loaded(key(number), bytes: actual)
            case 3:
                if loading.removeValue(forKey: number) != nil { policy.failed(key(number)) }
            case 4:
                if policy.lease(key(number)) { leases.append(number) }
            default:
                if let leased = leases.popLast() { _ = policy.release(key(leased)) }
            }
            #expect(policy.bytes <= policy.budget && policy.bytes >= 0)
            for leased in leases { #expect(policy.holds(key(leased))) }
        }
    }
}
