// How an input file stores one component of a vector.

/// The stored type of a vector's components.
package enum ElementType: String, Sendable, Codable, CaseIterable {
    /// IEEE 754 single.
    case f32
    /// IEEE 754 half.
    case f16
    case u8
    case i8
    /// Row numbers of ground truth; never vectors.
    case i32

    /// Size of a component in bytes.
    package var size: Int {
        switch self {
        case .f32, .i32: 4
        case .f16: 2
        case .u8, .i8: 1
        }
    }

    /// Name for messages.
    package var name: String {
        switch self {
        case .f32: "float32"
        case .f16: "float16"
        case .u8: "uint8"
        case .i8: "int8"
        case .i32: "int32"
        }
    }
}
