// Checks of a description's consistency, before it is written and after it is read.

extension IndexDescription {
    /// What is wrong with the description, for messages; nil if nothing is.
    var inconsistency: String? {
        firstProblem(in: [
            namesProblem, numbersProblem, shardsProblem, tablesProblem, queriesProblem,
            pointsProblem,
        ])
    }

    private var namesProblem: String? {
        firstProblem(in: [
            IndexName.isValid(name) ? nil : "name '\(name.prefix(80))' is not an index name",
            oneOf(["l2", "ip", "cosine"], metric, "metric"),
            oneOf(["f32", "f16", "u8", "i8"], elementType, "elementType"),
            oneOf(["cells", "none"], partition, "partition"),
            oneOf(["sq8", "sq16", "f16", "none"], refine, "refine"),
            backend.name.isEmpty || backend.version.isEmpty
                ? "backend has no name or version" : nil,
        ])
    }

    private var numbersProblem: String? {
        firstProblem(in: [
            atLeast(1, dimension, "dimension"),
            atLeast(1, vectors, "vectors"),
            atLeast(1, shardSize, "shardSize"),
            atLeast(1, quantizer.subquantizers, "quantizer.subquantizers"),
            atLeast(1, quantizer.subdimension, "quantizer.subdimension"),
            (1...16).contains(quantizer.bits)
                ? nil : "quantizer.bits is \(quantizer.bits), not 1 to 16",
            atLeast(1, search.nprobe, "search.nprobe"),
            atLeast(0, search.refineDepth, "search.refineDepth"),
            atLeast(1, search.probeShards, "search.probeShards"),
            search.listMargin.map { $0 > 0 && $0 <= 1 } ?? true
                ? nil : "search.listMargin is not above 0 and at most 1",
            router.bytes > 0 ? nil : "router has no bytes",
        ])
    }

    private var shardsProblem: String? {
        guard !shards.isEmpty else { return "it has no shards" }
        for (ordinal, shard) in shards.enumerated() {
            if let problem = openProblem(shard.open, shard.bytes, "shard \(ordinal)") {
                return problem
            }
            if let problem = atLeast(1, shard.vectors, "vectors of shard \(ordinal)")
                ?? atLeast(1, shard.lists, "lists of shard \(ordinal)")
            {
                return problem
            }
        }
        return sumProblem(shards.map(\.vectors), "its shards hold")
    }

    /// An index without external ids has no tables.
    private var tablesProblem: String? {
        guard !idTables.isEmpty else { return nil }
        for (ordinal, table) in idTables.enumerated() {
            if let problem = openProblem(table.open, table.bytes, "id table \(ordinal)") {
                return problem
            }
            // A hash partition may by chance be empty.
            if let problem = atLeast(0, table.entries, "entries of id table \(ordinal)") {
                return problem
            }
        }
        return sumProblem(idTables.map(\.entries), "its id tables have")
    }

    private var queriesProblem: String? {
        guard let queries else { return nil }
        return firstProblem(in: [
            queries.bytes > 0 ? nil : "queries have no bytes",
            atLeast(1, queries.count, "queries.count"),
            atLeast(1, queries.k, "queries.k"),
        ])
    }

    private var pointsProblem: String? {
        guard let operatingPoints else { return nil }
        guard let queries else { return "it has operating points but no queries" }
        let lists = shards.reduce(0) { $0 &+ $1.lists }
        var last = -Double.infinity
        for (number, point) in operatingPoints.enumerated() {
            let what = "operating point \(number)"
            guard (1...max(1, lists)).contains(point.nprobe), point.refineDepth >= queries.k else {
                return "\(what) has nprobe or refineDepth out of range"
            }
            guard point.recall > last, (0...1).contains(point.recall),
                (0...1).contains(point.standardError), point.codesScanned >= 0,
                point.rowsRefined >= 0
            else { return "\(what) has no possible recall or cost" }
            last = point.recall
        }
        return operatingPoints.isEmpty ? "operatingPoints is empty" : nil
    }

    private func openProblem(_ open: ByteSpan, _ bytes: UInt64, _ what: String) -> String? {
        open.opens(objectOf: bytes)
            ? nil
            : "\(what) of \(bytes) bytes cannot be opened at offset \(open.offset), length \(open.length)"
    }

    private func sumProblem(_ parts: [Int], _ what: String) -> String? {
        var sum = 0
        for part in parts {
            let (next, overflow) = sum.addingReportingOverflow(part)
            guard !overflow else { return "\(what) more vectors than can be counted" }
            sum = next
        }
        return sum == vectors ? nil : "\(what) \(sum) vectors, but it says \(vectors)"
    }
}

private func firstProblem(in problems: [String?]) -> String? {
    problems.lazy.compactMap { $0 }.first
}

private func oneOf(_ allowed: [String], _ value: String, _ field: String) -> String? {
    guard !allowed.contains(value) else { return nil }
    return "\(field) is '\(value.prefix(80))', not one of \(allowed.joined(separator: ", "))"
}

private func atLeast(_ minimum: Int, _ value: Int, _ field: String) -> String? {
    value >= minimum ? nil : "\(field) is \(value), below \(minimum)"
}
