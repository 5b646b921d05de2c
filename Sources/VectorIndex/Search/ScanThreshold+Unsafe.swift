// How near a vector must be to matter: the distance of the last candidate worth keeping, known within 1/512.

/// Counts what was found by its distance, so that the threshold falls as better candidates come, without sorting them.
struct ScanThreshold {
    private static let bins = 512

    /// Candidates farther than this are among the wanted no more.
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

    /// True once `wanted` candidates were seen.
    var isKnown: Bool { value < .infinity }

    mutating func begin(wanted: Int) {
        self.wanted = wanted
        value = .infinity
    }

    /// The first threshold: `wanted` of the candidates so far lie between `low` and `high`.
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

    /// Counts distances no farther than ``value``, and lets it fall.
    mutating func count(_ distances: UnsafePointer<Float>, _ number: Int) {
        let last = Float(Self.bins - 1)
        for index in 0..<number {
            let place = (distances[index] - low) * inverse
            // Not a number goes first.
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
