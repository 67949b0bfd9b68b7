/// A number that ranks send each other as raw bytes; all ranks have the same byte order.
package protocol MessageElement: AdditiveArithmetic, BitwiseCopyable, Sendable {
    /// The sum of two ranks' values; swapping them gives the same bits.
    static func sum(_ first: Self, _ second: Self) -> Self
}

extension MessageElement {
    package static func sum(_ first: Self, _ second: Self) -> Self { first + second }
}

extension MessageElement where Self: FloatingPoint {
    /// Every NaN sum has the same bits. Otherwise the compiler's operand order and the processor
    /// would decide which operand's NaN bits an addition keeps, and partners add in opposite
    /// orders.
    package static func sum(_ first: Self, _ second: Self) -> Self {
        let sum = first + second
        return sum.isNaN ? .nan : sum
    }
}

extension Float: MessageElement {}
extension Double: MessageElement {}
extension UInt8: MessageElement {}
extension Int32: MessageElement {}
extension Int64: MessageElement {}
