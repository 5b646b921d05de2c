// Cores that a process may use.
import Foundation
import TesseraBase
import Testing

struct UsableCoresTests {
    @Test(arguments: [
        ("Name:\tx\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n", 2),
        ("Cpus_allowed:\t00000000,80000001", 2),
        ("Cpus_allowed:\tffffffff,ffffffff\n", 64),
        ("Cpus_allowed:\t\n", nil),
        ("Cpus_allowed_list:\t0-1\n", nil),
        ("", nil),
    ])
    func `a mask is counted`(status: String, cores: Int?) {
        #expect(UsableCores.allowed(status) == cores)
    }

    @Test func `no more are told than the system has`() {
        #expect((1...ProcessInfo.processInfo.activeProcessorCount).contains(UsableCores.count))
    }

    @Test func `a pool of no thread or of thousands is refused`() {
        for threads in [0, -1, 1025] {
            let error = #expect(throws: TesseraError.self) { try WorkPool(threads: threads) }
            #expect(error?.message.contains("--threads \(threads) is out of range") == true)
        }
    }
}
