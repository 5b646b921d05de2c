// The parts of a report that are looked up and not measured.
import Catalog
import Foundation
import ObjectStore
import Reporting
import Search
import SearchTypes
import TesseraBase
import VectorCore
import VectorIndex

extension Analyzer {
    var storedBytes: UInt64 {
        index.shards.reduce(index.router.bytes) { $0 + $1.bytes }
            + index.idTables.reduce(0) { $0 + $1.bytes }
    }

    private var codeBytes: Double {
        Double(index.quantizer.subquantizers * index.quantizer.bits) / 8
    }

    var subject: Report.Subject {
        Report.Subject(
            store: plan.store, index: index.name, version: manifest.version, vectors: index.vectors,
            dimension: index.dimension, metric: index.metric, shards: index.shards.count,
            lists: index.shards.reduce(0) { $0 + $1.lists }, codeBytes: codeBytes,
            refine: index.refine, partition: index.partition)
    }

    func settings(_ selection: QuerySelection) -> Report.Settings {
        let options = options(k: plan.k)
        return Report.Settings(
            nprobe: options.probeCount, refineDepth: options.refineDepth,
            probeShards: options.probeShards, k: options.k, concurrency: plan.concurrency,
            queries: selection.queries.rows, queriesFrom: selection.origin, seed: plan.seed,
            mode: base.isLocal ? "memory" : "store")
    }

    func memory(_ searcher: any VersionSearcher) -> Report.Memory {
        let held = Double(searcher.codeBytes + searcher.modelBytes)
        return Report.Memory(
            codes: Double(searcher.codeBytes), models: Double(searcher.modelBytes),
            perVector: (held / Double(index.vectors)).rounded(to: 2),
            resident: Self.residentBytes, stored: Double(storedBytes),
            storedPerVector: (Double(storedBytes) / Double(index.vectors)).rounded(to: 2))
    }

    /// Resident memory of this process, in bytes.
    private static var residentBytes: Double {
        let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        let kibibytes = line?.split(separator: " ").dropFirst().first.flatMap { Double($0) }
        return (kibibytes ?? 0) * 1024
    }

    func tiers(_ work: MeanReceipt, _ searcher: any VersionSearcher) -> [Report.Tier] {
        let inMemory = searcher.codeBytes > 0
        let rowBytes = Double(
            RefineEncoding(rawValue: index.refine)?.rowSize(dimension: index.dimension) ?? 0)
        let vectors = Double(index.vectors)
        let medium = base.isLocal ? "disk" : "store"
        var tiers = [
            Report.Tier(
                name: "centroids and codebooks", place: inMemory ? "RAM" : medium,
                bytes: Double(searcher.modelBytes),
                bytesPerVector: (Double(searcher.modelBytes) / vectors).rounded(to: 2),
                bytesPerQuery: 0, itemsPerQuery: work.shardsOffered, item: "shards"),
            Report.Tier(
                name: "codes", place: inMemory ? "RAM" : medium, bytes: codeBytes * vectors,
                bytesPerVector: codeBytes,
                bytesPerQuery: (work.codesScanned * codeBytes).rounded(to: 1),
                itemsPerQuery: work.codesScanned, item: "codes"),
        ]
        if rowBytes > 0 {
            tiers.append(
                Report.Tier(
                    name: "refine rows", place: medium, bytes: rowBytes * vectors,
                    bytesPerVector: rowBytes,
                    bytesPerQuery: (work.rowsRefined * rowBytes).rounded(to: 1),
                    itemsPerQuery: work.rowsRefined, item: "rows"))
        }
        tiers.append(
            Report.Tier(
                name: "all reads", place: medium, bytes: Double(storedBytes),
                bytesPerVector: (Double(storedBytes) / vectors).rounded(to: 2),
                bytesPerQuery: work.bytesRead, itemsPerQuery: work.reads, item: "reads"))
        return tiers
    }
}
