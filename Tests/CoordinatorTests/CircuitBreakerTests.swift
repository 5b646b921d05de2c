// When a breaker lets requests through, step by step, at times that the test passes in.
import Coordinator
import TesseraBase
import Testing

struct CircuitBreakerTests {
    enum Step: Sendable {
        /// Lets these milliseconds pass.
        case wait(Int)
        case fails, succeeds, abandoned
        case admitted, refused
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let steps: [Step]
    }

    static let cases = [
        Case(testDescription: "a new breaker is closed", steps: [.admitted, .admitted]),
        Case(testDescription: "one failure does not open it", steps: [.fails, .admitted]),
        Case(testDescription: "two failures in a row open it", steps: [.fails, .fails, .refused]),
        Case(
            testDescription: "an answer between two failures keeps it closed",
            steps: [.fails, .succeeds, .fails, .admitted]),
        Case(
            testDescription: "after the pause one request tries, the others wait",
            steps: [.fails, .fails, .wait(99), .refused, .wait(1), .admitted, .refused]),
        Case(
            testDescription: "the answer to the try closes it",
            steps: [.fails, .fails, .wait(100), .admitted, .succeeds, .admitted, .admitted]),
        Case(
            testDescription: "the failure of the try doubles the pause",
            steps: [
                .fails, .fails, .wait(100), .admitted, .fails, .wait(199), .refused, .wait(1),
                .admitted,
            ]),
        Case(
            testDescription: "an abandoned try lets the next one",
            steps: [.fails, .fails, .wait(100), .admitted, .abandoned, .admitted, .refused]),
        Case(
            testDescription: "an answer resets the pause",
            steps: [
                .fails, .fails, .wait(100), .admitted, .fails, .wait(200), .admitted, .succeeds,
                .fails, .fails, .wait(99), .refused, .wait(1), .admitted,
            ]),
        Case(
            testDescription: "failures while it is open change nothing",
            steps: [.fails, .fails, .fails, .fails, .wait(100), .admitted]),
    ]

    @Test(arguments: cases)
    func `step by step`(_ example: Case) {
        var breaker = CircuitBreaker()
        var now = SteadyClock.system.now()
        for (number, step) in example.steps.enumerated() {
            switch step {
            case .wait(let milliseconds): now += .milliseconds(milliseconds)
            case .fails: breaker.failed(at: now)
            case .succeeds: breaker.succeeded()
            case .abandoned: breaker.abandoned(at: now)
            case .admitted:
                let result1 = breaker.admits(at: now)
                #expect(result1, "step \(number)")
            case .refused:
                let result2 = breaker.admits(at: now)
                #expect(!result2, "step \(number)")
            }
        }
    }

    @Test func `the pause grows to its limit and no further`() {
        var settings = CircuitBreaker.Settings()
        settings.longestPause = .milliseconds(350)
        var breaker = CircuitBreaker(settings: settings)
        var now = SteadyClock.system.now()
        breaker.failed(at: now)
        breaker.failed(at: now)
        for pause in [100, 200, 350, 350] {
            let result3 = breaker.admits(at: now + .milliseconds(pause - 1))
            #expect(!result3)
            now += .milliseconds(pause)
            let result4 = breaker.admits(at: now)
            #expect(result4)
            breaker.failed(at: now)
        }
    }
}
