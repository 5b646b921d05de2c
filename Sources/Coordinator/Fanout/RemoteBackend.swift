// A version searched by workers: they scan and refine the lists that are chosen here, and their
// answers are merged here.
import Catalog
import Logging
import Search
import SearchProtocol
package import SearchTypes
import Synchronization
package import TesseraBase
import VectorCore

/// Answers from one version, opened by a ``RemoteProvider``.
///
/// Invariant: an answer depends on the version, the request, the members and the replication. It
/// does not depend on which holder of a shard was asked, nor on other searches.
package final class RemoteBackend: VersionBackend {
    let index: String
    let version: Int
    let manifest: Manifest
    let settings: RemoteSettings
    private let chooser: ListChooser
    let workers: Mutex<WorkerSet>
    private let hedges: HedgeCounter
    private let logger: Logger
    private let onRetire: @Sendable (RemoteBackend) -> Void

    init(
        _ manifest: Manifest, chooser: ListChooser, links: [WorkerLink], settings: RemoteSettings,
        hedges: HedgeCounter, logger: Logger, onRetire: @escaping @Sendable (RemoteBackend) -> Void
    ) {
        index = manifest.index.name
        version = manifest.version
        self.manifest = manifest
        self.chooser = chooser
        self.settings = settings
        self.hedges = hedges
        self.logger = logger
        self.onRetire = onRetire
        workers = Mutex(Self.workers(links, manifest, settings))
    }

    private static func workers(
        _ links: [WorkerLink], _ manifest: Manifest, _ settings: RemoteSettings
    ) -> WorkerSet {
        WorkerSet(
            links, shards: manifest.index.shards.map(\.digest), replication: settings.replication)
    }

    // MARK: Searching

    package func search(_ request: SearchRequest) async throws(TesseraError) -> [BackendAnswer] {
        let start = settings.clock.now()
        let deadline = deadline(request, from: start)
        try check(request)
        var opening = Receipt()
        let chosen = try await chooser.choose(request.queries, request.options, &opening)
        let choosing = settings.clock.now() - start
        let workers = workers.withLock { $0 }
        let depth = request.options.candidateDepth(refines: true)
        let (parts, groups) = Self.parts(
            chosen, workers.placement, cuts: depth <= WireLimits.cutDepth)
        let search = RemoteSearch(
            workers: workers,
            request: PartsRequest(
                index: index, version: version, k: request.options.k,
                refineDepth: request.options.refineDepth, timeout: nil, queries: request.queries,
                transformed: Self.transformed(chosen), parts: parts),
            groups: groups, deadline: deadline, hedges: hedges, clock: settings.clock,
            alarms: settings.alarms)
        let outcomes = await search.run()
        if !request.allowPartial {
            for case .failure(let error) in outcomes { throw Self.unavailable(error) }
        }
        var merges = chosen.map { AnswerMerge($0, chosen: choosing, depth: depth) }
        for (part, outcome) in zip(parts, outcomes) { merges[part.query].add(part, outcome) }
        return merges.map { $0.answer(k: request.options.k) }
    }

    /// The deadline of workers. If a partial answer is allowed, it leaves some time to give it.
    private func deadline(_ request: SearchRequest, from start: SteadyClock.Instant)
        -> SteadyClock.Instant
    {
        guard let deadline = request.deadline else { return start + settings.longestSearch }
        guard request.allowPartial else { return deadline }
        return deadline - min((deadline - start) / 10, .milliseconds(20))
    }

    private func check(_ request: SearchRequest) throws(TesseraError) {
        let dimension = manifest.index.dimension
        guard request.queries.columns == dimension else {
            throw TesseraError(
                .invalidArgument,
                "the queries have \(request.queries.columns) dimensions, the index has \(dimension)"
            )
        }
        guard request.queries.elements.allSatisfy(\.isFinite) else {
            throw TesseraError(
                .invalidArgument, "a query has a component that is not a finite number")
        }
        let options = request.options
        for (name, value, most) in [
            ("k", options.k, WireLimits.k), ("nprobe", options.probeCount, WireLimits.lists),
            ("refine", max(1, options.refineDepth), WireLimits.refineDepth),
            ("shards", options.probeShards, WireLimits.shards),
            ("queries", max(1, request.queries.rows), WireLimits.queries),
        ] where !(1...most).contains(value) {
            throw TesseraError(
                .invalidArgument, "\(name) \(value) is out of range; give 1 to \(most)")
        }
    }

    /// Divides each query's lists into parts, one for each group. Returns the group of each part
    /// too.
    ///
    /// - Parameter cuts: whether the candidates of a query with several parts are cut at one depth.
    private static func parts(_ chosen: [ListChoice], _ placement: Placement, cuts: Bool)
        -> (parts: [SearchPart], groups: [Int])
    {
        var parts: [SearchPart] = []
        var groups: [Int] = []
        for (query, lists) in chosen.enumerated() {
            let first = parts.count
            for (shard, list) in zip(lists.shards, lists.lists) {
                let group = placement.groups[Int(shard)]
                var place = first
                while place < parts.count, groups[place] != group { place += 1 }
                if place == parts.count {
                    parts.append(SearchPart(query: query))
                    groups.append(group)
                }
                parts[place].shards.append(shard)
                parts[place].lists.append(list)
            }
            guard cuts, parts.count - first > 1 else { continue }
            for place in first..<parts.count { parts[place].isShared = true }
        }
        return (parts, groups)
    }

    private static func transformed(_ chosen: [ListChoice]) -> Matrix? {
        guard let columns = chosen.first?.transformed?.count else { return nil }
        return Matrix(
            rows: chosen.count, columns: columns, elements: chosen.flatMap { $0.transformed ?? [] })
    }

    /// The error of a request with a missing part. Faults that the caller can mend stay as they
    /// are; others, such as a damaged shard, make the version unavailable.
    private static func unavailable(_ error: TesseraError) -> TesseraError {
        switch error.code {
        case .invalidArgument, .unsupported, .unavailable, .resourceExhausted, .cancelled: error
        default:
            TesseraError(.unavailable, "some of the shards could not be searched", cause: error)
        }
    }

    // MARK: Placing

    /// Opens shards here, and has every worker bring its shards into memory.
    ///
    /// - Throws: `unavailable` if no worker could, and what the store throws.
    func warm() async throws(TesseraError) {
        try await chooser.warm()
        let set = workers.withLock { $0 }
        let errors = await prepare(set)
        if errors.count == set.links.count, let first = errors.first { throw first }
    }

    /// Moves the version to other members, once these hold their shards.
    func adopt(_ links: [WorkerLink]) async {
        let set = Self.workers(links, manifest, settings)
        _ = await prepare(set)
        workers.withLock { $0 = set }
    }

    /// Tells every serving worker again which shards it has to hold.
    func remind() async {
        for link in workers.withLock({ $0 }).links where link.isServing { await prepare(link) }
    }

    /// Has a worker that has just begun to serve bring its shards into memory.
    func prepare(_ link: WorkerLink) async {
        let set = workers.withLock { $0 }
        guard let member = set.links.firstIndex(where: { $0 === link }) else { return }
        _ = await prepare(set, member)
    }

    private func prepare(_ set: WorkerSet) async -> [TesseraError] {
        await withTaskGroup(of: TesseraError?.self) { group in
            for member in set.links.indices {
                group.addTask { await self.prepare(set, member) }
            }
            return await group.reduce(into: []) { errors, error in
                if let error { errors.append(error) }
            }
        }
    }

    private func prepare(_ set: WorkerSet, _ member: Int) async -> TesseraError? {
        let shards = set.placement.shards(heldBy: member)
        let link = set.links[member]
        do throws(TesseraError) {
            let resident = try await link.prepare(
                index: index, version: version, shards: shards, timeout: settings.longestPrepare)
            if resident < shards.count {
                logger.notice(
                    "a worker has room for a part of its shards",
                    metadata: [
                        "worker": "\(link.address)", "index": "\(index)", "version": "\(version)",
                        "shards": "\(shards.count)", "resident": "\(resident)",
                    ])
            }
            return nil
        } catch {
            logger.warning(
                "a worker could not be prepared",
                metadata: [
                    "worker": "\(link.address)", "index": "\(index)", "version": "\(version)",
                    "error": "\(error)",
                ])
            return error
        }
    }

    package func retire() async {
        onRetire(self)
        let links = workers.withLock { $0 }.links
        await withDiscardingTaskGroup { group in
            for link in links where link.isServing {
                group.addTask { [index, version] in
                    await link.retire(index: index, version: version, timeout: .seconds(2))
                }
            }
        }
    }
}
