// Decides which worker is asked for which part of a request, and which one next after a failure or
// a delay. Pure: it says what to send and is told the outcome; RemoteSearch does the sending.
//
// Invariant: the first answer to a part counts, and later ones are ignored. A part is given up only
// when no worker is left to ask and no request for it is under way.

/// The state of one search request to the workers.
package struct Dispatch: Sendable {
    /// A leaf request: the parts that go to one worker together.
    package struct Sending: Sendable, Equatable {
        /// The request's number, from 0 in the order of decisions.
        package let number: Int
        /// The worker, by its position among the members.
        package let member: Int
        /// Positions of its parts in the search request.
        package let parts: [Int]
        /// Whether another worker is asked for the same parts already.
        package let isHedge: Bool
    }

    private struct PartState {
        /// Members in the order they are asked.
        let order: [Int]
        /// How many of the first members hold the part in memory.
        let holders: Int
        var asked: Set<Int> = []
        var underWay = 0
        var isAnswered = false
    }

    private var parts: [PartState]
    private var sendings: [Sending] = []
    private var ended: Set<Int> = []

    /// - Parameters:
    ///   - orders: for each part, its members in the order they are asked.
    ///   - holders: for each part, how many of its first members hold it.
    package init(orders: [[Int]], holders: [Int]) {
        parts = zip(orders, holders).map { PartState(order: $0, holders: $1) }
    }

    /// Whether every part is answered or given up.
    package var isDone: Bool { parts.allSatisfy { $0.isAnswered || $0.underWay == 0 } }

    /// Whether a part has an answer.
    package func isAnswered(_ part: Int) -> Bool { parts[part].isAnswered }

    /// Decides the first requests.
    package mutating func start(admits: (Int) -> Bool) -> [Sending] {
        send(Array(parts.indices), hedge: false, admits: admits)
    }

    /// Notes an answer, and returns the parts that had no answer before.
    package mutating func answered(_ number: Int) -> [Int] {
        end(number).filter { part in
            guard !parts[part].isAnswered else { return false }
            parts[part].isAnswered = true
            return true
        }
    }

    /// Notes a failure, and decides what is sent instead.
    package mutating func failed(_ number: Int, admits: (Int) -> Bool) -> [Sending] {
        let open = end(number).filter { !parts[$0].isAnswered && parts[$0].underWay == 0 }
        return send(open, hedge: false, admits: admits)
    }

    /// Decides the hedges of a request that takes longer than usual: its parts go to other holders
    /// as well. A request that has ended is not hedged.
    package mutating func late(_ number: Int, admits: (Int) -> Bool) -> [Sending] {
        guard !ended.contains(number) else { return [] }
        let open = sendings[number].parts.filter {
            !parts[$0].isAnswered && parts[$0].underWay == 1
        }
        return send(open, hedge: true, admits: admits)
    }

    private mutating func end(_ number: Int) -> [Int] {
        guard ended.insert(number).inserted else { return [] }
        for part in sendings[number].parts { parts[part].underWay -= 1 }
        return sendings[number].parts
    }

    /// Sends each part to the first of its members that was not asked yet and admits a request.
    /// Parts for one member go together.
    private mutating func send(_ open: [Int], hedge: Bool, admits: (Int) -> Bool) -> [Sending] {
        var admitted: [Int: Bool] = [:]
        var byMember: [Int: [Int]] = [:]
        for part in open {
            let candidates =
                hedge ? parts[part].order.prefix(parts[part].holders) : parts[part].order[...]
            for member in candidates where !parts[part].asked.contains(member) {
                let admits = admitted[member] ?? admits(member)
                admitted[member] = admits
                guard admits else { continue }
                byMember[member, default: []].append(part)
                break
            }
        }
        return byMember.sorted { $0.key < $1.key }.map { member, chosen in
            for part in chosen {
                parts[part].asked.insert(member)
                parts[part].underWay += 1
            }
            let sending = Sending(
                number: sendings.count, member: member, parts: chosen, isHedge: hedge)
            sendings.append(sending)
            return sending
        }
    }
}
