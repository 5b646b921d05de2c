// A name that stands for several workers, which join and leave.
import Coordinator
import Foundation
import SearchTypes
import Synchronization
import TesseraBase
import TestSupport
import Testing

struct WorkerNameTests {
    /// A resolver with scripted answers.
    private final class Names: Sendable {
        private let hosts = Mutex<[String]?>([])

        /// The hosts; nil for a name that does not resolve.
        func stand(for hosts: [String]?) { self.hosts.withLock { $0 = hosts } }

        func addresses(port: Int) -> AddressesOfName {
            guard let hosts = hosts.withLock({ $0 }) else {
                return .failure(TesseraError(.unavailable, "the name does not resolve"))
            }
            return .success(hosts.map { WorkerAddress(host: $0, port: port) })
        }
    }

    private static let hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]

    /// Workers at several addresses of this machine, all with the port of the first.
    private func startWorkers(_ index: StoredIndex) async throws -> [WorkerProcess] {
        var workers = try await index.startWorkers(1)
        for host in Self.hosts.dropFirst() {
            workers.append(
                try await WorkerProcess(
                    store: index.folder.path("store"), host: host, port: workers[0].address.port))
        }
        return workers
    }

    /// Waits until exactly these workers serve.
    private func wait(_ provider: RemoteProvider, for hosts: [String]) async throws {
        for _ in 0..<3000 {
            let workers = provider.workers
            if workers.map(\.address.host) == hosts, workers.allSatisfy(\.isServing) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("in vain: \(hosts)")
    }

    @Test
    func
        `workers that appear behind a name are asked, those that vanish are not, and no search fails`()
        async throws
    {
        let index = try await StoredIndex(queries: 40)
        let workers = try await startWorkers(index)
        let names = Names()
        names.stand(for: Array(Self.hosts.prefix(2)))
        var settings = RemoteSettings(
            workers: .name("workers.test", port: workers[0].address.port), replication: 2)
        settings.resolveInterval = .milliseconds(30)
        settings.resolve = { _, port in names.addresses(port: port) }
        try await index.withProvider(settings) { provider in
            let backend = try await provider.open(index: StoredIndex.name, version: 1)
            func searches() async throws {
                let answers = try await backend.search(index.request())
                #expect(answers.allSatisfy { $0.share == 1 && !$0.answer.hits.isEmpty })
            }
            try await wait(provider, for: Array(Self.hosts.prefix(2)))
            try await searches()
            for hosts in [Self.hosts, Array(Self.hosts.suffix(2)), Self.hosts] {
                names.stand(for: hosts)
                for _ in 0..<20 { try await searches() }
                try await wait(provider, for: hosts)
                try await searches()
            }
            // Every worker holds and searches shards by now.
            let reports = await provider.tierReports()
            #expect(reports.map { $0.place.prefix(9) } == Self.hosts.map { $0.prefix(9) })
            #expect(reports.allSatisfy { $0.memory.hits > 0 && $0.memory.shards > 0 })
            // The name does not resolve for a while: the known workers stay.
            names.stand(for: nil)
            try await Task.sleep(for: .milliseconds(100))
            try await searches()
            #expect(provider.workers.map(\.address.host) == Self.hosts)
        }
        withExtendedLifetime(workers) {}
    }
}
