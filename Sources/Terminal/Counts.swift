// Counts and sizes in the lines that programs print; ``Wording`` has the rules.
import Reporting

extension Int {
    /// The number with its thousands apart: 60,000.
    package var grouped: String { Wording.grouped(Double(self)) }

    /// The number with its unit: 1 shard, 2 shards.
    package func counted(_ unit: String, _ units: String? = nil) -> String {
        "\(grouped) \(self == 1 ? unit : units ?? unit + "s")"
    }
}

extension UInt64 {
    /// The number of bytes in decimal units: 41.2 MB.
    package var asSize: String { Wording.size(Double(self)) }
}

extension Double {
    /// The number with this many digits after the point, zeros included.
    package func fixed(_ digits: Int) -> String { Wording.fixed(self, digits) }
}
