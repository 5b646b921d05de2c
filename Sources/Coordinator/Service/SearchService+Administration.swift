// The service beside searching: versions, publish, rollback and counts.
package import Catalog
import SearchTypes
import TesseraBase

/// The versions and drafts of one index, as the store holds them.
package struct IndexVersions: Sendable {
    package let index: String
    /// The version that answers here.
    package let serving: Int?
    package let versions: [VersionEntry]
    package let drafts: [Draft]
}

/// Counts of the service since its start.
package struct ServiceReport: Sendable {
    let counts: ServiceStatistics.Snapshot
    let admission: AdmissionGate.Counts
    /// Nil without a response cache.
    let cache: ResponseCache.Counts?
    /// Nil if no queries are recorded.
    let queryLog: QueryLogReport?
    let tiers: [TierReport]
}

extension SearchService {
    /// Time since the service began.
    package var uptime: Duration { statistics.uptime }

    /// A served index. Throws `notFound` for an unknown one.
    package func index(_ name: String) throws(ServiceError) -> ServedIndex {
        guard let index = indexes[name] else { throw .unknownIndex(name) }
        return index
    }

    /// The manifest that answers now. Throws as ``hold(_:)``.
    package func manifest(of name: String) throws(ServiceError) -> Manifest {
        let index = try index(name)
        guard let manifest = index.manifest else { throw .notServed(index) }
        return manifest
    }

    /// Lists the versions and drafts of an index.
    package func versions(of name: String) async throws(ServiceError) -> IndexVersions {
        let index = try index(name)
        do throws(TesseraError) {
            return IndexVersions(
                index: index.name, serving: index.status.version,
                versions: try await index.catalog.versions(),
                drafts: try await index.catalog.drafts())
        } catch {
            throw ServiceError(error)
        }
    }

    /// Publishes a draft; queries move to the new version as soon as it is open.
    ///
    /// - Throws: `overloaded` while another publish or rollback runs, and what the catalog throws.
    package func publish(
        draft: String, in name: String
    ) async throws(ServiceError) -> Publication {
        try await change(try index(name)) { catalog throws(TesseraError) in
            try await catalog.publish(draftID: draft, measure: measure)
        }
    }

    /// Publishes the content of an older version again. Throws as ``publish(draft:in:)``.
    package func rollback(
        to version: Int, in name: String
    ) async throws(ServiceError) -> Manifest {
        try await change(try index(name)) { catalog throws(TesseraError) in
            try await catalog.rollback(to: version)
        }
    }

    /// Makes a new version, then has the index look for it at once.
    private func change<Value>(
        _ index: ServedIndex, _ make: (Catalog) async throws(TesseraError) -> Value
    ) async throws(ServiceError) -> Value {
        guard publishing.tryEnter() else {
            throw ServiceError(
                .overloaded, "another publish or rollback is under way; try again when it is done")
        }
        defer { publishing.leave() }
        do throws(TesseraError) {
            let value = try await make(index.catalog)
            index.bell.ring()
            return value
        } catch {
            throw ServiceError(error)
        }
    }

    /// Reads all counts of the service. Workers are asked for those of their tiers.
    package func report() async -> ServiceReport {
        ServiceReport(
            counts: statistics.snapshot, admission: gate.counts, cache: cache?.counts,
            queryLog: queryLog?.report, tiers: await tierReports())
    }
}
