// Who is asked for which part, and who next.
import Coordinator
import Testing

struct DispatchTests {
    /// Three parts: two of a group held by 0 and 1, one of a group held by 1 and 2; 3 would have to
    /// load either.
    private static func dispatch() -> Dispatch {
        Dispatch(
            orders: [[0, 1, 2, 3], [0, 1, 2, 3], [1, 2, 0, 3]], holders: [2, 2, 2])
    }

    private static func all(_: Int) -> Bool { true }

    @Test func `parts of one worker go together`() {
        var dispatch = Self.dispatch()
        let sent = dispatch.start(admits: Self.all)
        #expect(sent.map(\.member) == [0, 1])
        #expect(sent.map(\.parts) == [[0, 1], [2]])
        #expect(!dispatch.isDone)
        let result1 = dispatch.answered(0)
        #expect(result1 == [0, 1])
        #expect(!dispatch.isDone)
        let result2 = dispatch.answered(1)
        #expect(result2 == [2])
        #expect(dispatch.isDone)
    }

    @Test func `a worker that does not admit is passed over, and asked about once`() {
        var dispatch = Self.dispatch()
        var asked: [Int] = []
        let sent = dispatch.start { member in
            asked.append(member)
            return member != 0
        }
        #expect(sent.map(\.member) == [1])
        #expect(sent[0].parts == [0, 1, 2])
        #expect(asked == [0, 1])
    }

    @Test func `a failed worker's parts go to the next, until nobody is left`() {
        var dispatch = Self.dispatch()
        _ = dispatch.start(admits: Self.all)
        _ = dispatch.answered(1)
        for (number, member) in [(0, 1), (2, 2), (3, 3)] {
            let sent = dispatch.failed(number, admits: Self.all)
            #expect(sent.map(\.member) == [member])
            #expect(sent.first?.parts == [0, 1])
        }
        let result3 = dispatch.failed(4, admits: Self.all)
        #expect(result3.isEmpty)
        #expect(dispatch.isDone)
        #expect(!dispatch.isAnswered(0) && !dispatch.isAnswered(1) && dispatch.isAnswered(2))
    }

    @Test func `a late worker's parts go to a holder beside it, once, and the first answer counts`()
    {
        var dispatch = Self.dispatch()
        _ = dispatch.start(admits: Self.all)
        let hedge = dispatch.late(0, admits: Self.all)
        #expect(hedge.map(\.member) == [1])
        #expect(hedge[0].isHedge && hedge[0].parts == [0, 1])
        let result4 = dispatch.late(0, admits: Self.all)
        #expect(result4.isEmpty)
        let result5 = dispatch.answered(hedge[0].number)
        #expect(result5 == [0, 1])
        let result6 = dispatch.answered(0)
        #expect(result6.isEmpty)
        let result7 = dispatch.answered(1)
        #expect(result7 == [2])
        #expect(dispatch.isDone)
    }

    @Test func `a hedge goes only to those who hold the part`() {
        var dispatch = Self.dispatch()
        _ = dispatch.start(admits: Self.all)
        let result8 = dispatch.late(0) { $0 != 1 }
        #expect(result8.isEmpty)
        let result9 = dispatch.late(1, admits: Self.all)
        #expect(result9.map(\.member) == [2])
    }

    @Test func `while a hedge is under way a failure starts nothing`() {
        var dispatch = Self.dispatch()
        _ = dispatch.start(admits: Self.all)
        let hedge = dispatch.late(0, admits: Self.all)
        let result10 = dispatch.failed(0, admits: Self.all)
        #expect(result10.isEmpty)
        #expect(!dispatch.isDone)
        let result11 = dispatch.failed(hedge[0].number, admits: Self.all)
        #expect(result11.map(\.member) == [2])
    }

    @Test func `what has ended is late no more`() {
        var dispatch = Self.dispatch()
        _ = dispatch.start(admits: Self.all)
        _ = dispatch.answered(0)
        let result12 = dispatch.late(0, admits: Self.all)
        #expect(result12.isEmpty)
    }

    @Test func `with nobody to ask it is done at once`() {
        var dispatch = Self.dispatch()
        #expect(dispatch.start { _ in false }.isEmpty)
        #expect(dispatch.isDone)
    }
}
