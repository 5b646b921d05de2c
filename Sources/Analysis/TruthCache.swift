// Caches exact neighbours in a folder. An entry that is unreadable or does not fit counts as
// missing.
import Foundation
import ObjectStore
import Reporting

/// One entry of the folder, named by the digest of everything it depends on.
struct TruthCache: Sendable {
    private static let largestBytes = 1 << 30

    private let path: String
    private let folder: String

    init(folder: String, key: ContentDigest) {
        self.folder = folder
        path = "\(folder)/\(key.hex).truth.json"
    }

    func read(queries: Int, ks: [Int]) -> GroundTruth? {
        let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
        guard let size, size <= Self.largestBytes,
            let data = FileManager.default.contents(atPath: path),
            let truth = try? JSONDecoder().decode(GroundTruth.self, from: data),
            truth.queries == queries, Set(truth.levels.keys) == Set(ks),
            truth.levels.values.allSatisfy({ $0.neighbours.count == queries })
        else { return nil }
        return truth
    }

    /// Writes an entry. A failure is ignored, since it costs time only.
    func write(_ truth: GroundTruth) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard let data = try? encoder.encode(truth) else { return }
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? data.write(to: URL(filePath: path), options: .atomic)
    }
}
