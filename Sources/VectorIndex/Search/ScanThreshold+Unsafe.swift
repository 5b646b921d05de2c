// The distance beyond which a scanned vector is dropped: that of the last candidate to keep, known
// within 1/512 of the first range.

/// Counts candidates in a histogram of distances, so that the threshold falls as nearer candidates
/// come, without sorting them.
struct ScanThreshold {
    private static let bins = 512

    /// Candidates farther than this are not among the `wanted` nearest.
    private(set) var value = Float.infinity
    private var wanted = 0
    private var low: Float = 0
    private var width: Float = 0
    private var inverse: Float = 0
    private var top = 0
    private var total = 0
    private let counts = UnsafeMutablePointer<UInt32>.allocate(capacity: bins)

    func free() {
        counts.deallocate()
    }

    /// Whether `wanted` candidates have been seen.
    var isKnown: Bool { value < .infinity }

    mutating func begin(wanted: Int) {
        self.wanted = wanted
        value = .infinity
    }

    /// Sets the first threshold: `wanted` of the candidates so far lie between `low` and `high`.
    mutating func start(low: Float, high: Float) {
        self.low = low
        value = high
        width = (high - low) / Float(Self.bins)
        inverse = width > 0 ? 1 / width : 0
        if !inverse.isFinite { inverse = 0 }
        top = Self.bins - 1
        total = 0
        counts.update(repeating: 0, count: Self.bins)
    }

    /// Counts distances that are no larger than ``value``, and lowers it where enough are nearer.
    mutating func count(_ distances: UnsafePointer<Float>, _ number: Int) {
        let last = Float(Self.bins - 1)
        for index in 0..<number {
            let place = (distances[index] - low) * inverse
            // NaN goes to the first bin.
            counts[place > 0 ? Int(min(place, last)) : 0] &+= 1
        }
        total &+= number
        guard inverse > 0 else { return }
        let before = top
        while top > 0, total &- Int(counts[top]) >= wanted {
            total &-= Int(counts[top])
            counts[top] = 0
            top &-= 1
        }
        if top != before { value = low + Float(top + 1) * width }
    }
}
