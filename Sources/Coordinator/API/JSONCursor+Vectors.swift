// The queries of a body, as numbers or base64, and the other array in it: the names of extras.

extension JSONCursor {
    /// Reads one query: an array of numbers, or a string of base64.
    ///
    /// - Throws: `invalidArgument` unless it has the index's dimension.
    mutating func vector(
        _ bytes: borrowing Span<UInt8>, _ limits: BodyLimits, field: String
    ) throws(APIError) -> [Float] {
        var floats: [Float] = []
        if peek(bytes) == UInt8(ascii: "\"") {
            floats = try base64Floats(bytes, limit: limits.dimension, field: field)
            guard floats.count == limits.dimension else {
                throw wrongDimension(floats.count, limits, field)
            }
            return floats
        }
        floats.reserveCapacity(limits.dimension)
        try row(bytes, limits, field, into: &floats)
        return floats
    }

    /// Reads several queries: an array of rows, or a string of base64 of all rows.
    ///
    /// - Throws: `invalidArgument` unless each has the index's dimension, and for more than a
    ///   request may hold.
    mutating func vectors(
        _ bytes: borrowing Span<UInt8>, _ limits: BodyLimits, field: String
    ) throws(APIError) -> [Float] {
        if peek(bytes) == UInt8(ascii: "\"") {
            let floats = try base64Floats(
                bytes, limit: limits.dimension * limits.batch, field: field)
            guard floats.count % limits.dimension == 0 else {
                throw wrongDimension(floats.count, limits, field)
            }
            return floats
        }
        try expect(UInt8(ascii: "["), bytes, "before the vectors")
        var floats: [Float] = []
        var rows = 0
        repeat {
            guard rows < limits.batch else {
                throw APIError(
                    .invalidArgument, "\(field) holds more than the \(limits.batch) allowed",
                    field: field, limit: limits.batch)
            }
            try row(bytes, limits, field, into: &floats)
            rows += 1
        } while take(UInt8(ascii: ","), bytes)
        try expect(UInt8(ascii: "]"), bytes, "after the vectors")
        return floats
    }

    private mutating func row(
        _ bytes: borrowing Span<UInt8>, _ limits: BodyLimits, _ field: String,
        into floats: inout [Float]
    ) throws(APIError) {
        guard take(UInt8(ascii: "["), bytes) else {
            throw failure(
                "\(field) must hold numbers in [ ], or be base64 of float32 values", field: field)
        }
        var count = 0
        if !take(UInt8(ascii: "]"), bytes) {
            repeat {
                floats.append(try float(bytes, field: field))
                count += 1
                guard count <= limits.dimension else {
                    throw wrongDimension(nil, limits, field)
                }
            } while take(UInt8(ascii: ","), bytes)
            try expect(UInt8(ascii: "]"), bytes, "or ',' after a number of \(field)")
        }
        guard count == limits.dimension else { throw wrongDimension(count, limits, field) }
    }

    private func wrongDimension(
        _ count: Int?, _ limits: BodyLimits, _ field: String
    ) -> APIError {
        let found = count.map(String.init) ?? "more than \(limits.dimension)"
        return APIError(
            .invalidArgument,
            "\(field) has \(found) numbers, the index has \(limits.dimension) dimensions",
            field: field, limit: limits.dimension)
    }

    /// Reads the names of what results carry.
    mutating func extras(
        _ bytes: borrowing Span<UInt8>, field: String
    ) throws(APIError) -> SearchBody.Extras {
        var extras: SearchBody.Extras = []
        try expect(UInt8(ascii: "["), bytes, "before the names of \(field)")
        if take(UInt8(ascii: "]"), bytes) { return extras }
        repeat {
            let name = try string(bytes, limit: 100, field: field)
            let extra: SearchBody.Extras
            switch name {
            case "distance": extra = .distance
            case "vector": extra = .vector
            case "metadata": extra = .metadata
            default:
                throw failure(
                    "\(field) knows distance, vector and metadata, not '\(name)'", field: field)
            }
            guard extras.insert(extra).inserted else {
                throw failure("\(field) has '\(name)' twice", field: field)
            }
        } while take(UInt8(ascii: ","), bytes)
        try expect(UInt8(ascii: "]"), bytes, "after the names of \(field)")
        return extras
    }
}
