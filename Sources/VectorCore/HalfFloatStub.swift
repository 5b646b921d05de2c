// temporary
package enum HalfFloat {
    package static func encode(_ value: Float) -> UInt16 { 0 }
    package static func decode(_ bits: UInt16) -> Float { 0 }
}
