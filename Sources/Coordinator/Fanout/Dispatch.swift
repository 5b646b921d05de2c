// Who is asked for which part of a request, and who next when they fail or are late. Pure: it says what is to be sent
// and is told what came of it; sending is RemoteSearch's.
//
// Invariant: a part counts as answered once, by the first answer; it is given up only when nobody is left to ask and
// nothing is under way for it.

/// The state of one request on its way to the workers.
package struct Dispatch: Sendable {
    /// Parts that go to one worker together.
    package struct Sending: Sendable, Equatable {
        /// Counts from 0 in the order they were decided.
        package let number: Int
        package let member: Int
        package let parts: [Int]
        package let isHedge: Bool
    }

    private struct PartState {
        let order: [Int]
        /// Members of the order that hold the part in memory.
        let holders: Int
        var asked: Set<Int> = []
        var underWay = 0
        var isAnswered = false
    }

    private var parts: [PartState]
    private var sendings: [Sending] = []
    private var ended: Set<Int> = []

    /// - Parameters:
    ///   - orders: for each part the members in the order they are asked.
    ///   - holders: how many of the first of each hold it.
    package init(orders: [[Int]], holders: [Int]) {
        parts = zip(orders, holders).map { PartState(order: $0, holders: $1) }
    }

    /// True when no part waits for anything any more.
    package var isDone: Bool { parts.allSatisfy { $0.isAnswered || $0.underWay == 0 } }

    package func isAnswered(_ part: Int) -> Bool { parts[part].isAnswered }

    /// What is sent first.
    package mutating func start(admits: (Int) -> Bool) -> [Sending] {
        send(Array(parts.indices), hedge: false, admits: admits)
    }

    /// Takes an answer; the parts that nobody had answered before.
    package mutating func answered(_ number: Int) -> [Int] {
        end(number).filter { part in
            guard !parts[part].isAnswered else { return false }
            parts[part].isAnswered = true
            return true
        }
    }

    /// Takes a failure; what is sent instead.
    package mutating func failed(_ number: Int, admits: (Int) -> Bool) -> [Sending] {
        let open = end(number).filter { !parts[$0].isAnswered && parts[$0].underWay == 0 }
        return send(open, hedge: false, admits: admits)
    }

    /// A sending takes longer than usual: what is sent to others beside it, who hold the parts too. Nothing where it has
    /// ended.
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

    /// Each part goes to the first of its members that was not asked and admits; parts of one member go together.
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
