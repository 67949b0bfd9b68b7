/// A number that ranks send each other as its bytes; all ranks have the same byte order.
public protocol MessageElement: AdditiveArithmetic, BitwiseCopyable, Sendable {
    /// The sum of two ranks' values, the same bits whichever comes first.
    static func sum(_ first: Self, _ second: Self) -> Self
}

extension MessageElement {
    public static func sum(_ first: Self, _ second: Self) -> Self { first + second }
}

extension MessageElement where Self: FloatingPoint {
    /// Of numbers that are none every sum has the same bits: which operand's an addition keeps is a matter of the compiler's order
    /// and of the processor, and partners add in opposite orders.
    public static func sum(_ first: Self, _ second: Self) -> Self {
        let sum = first + second
        return sum.isNaN ? .nan : sum
    }
}

extension Float: MessageElement {}
extension Double: MessageElement {}
extension UInt8: MessageElement {}
extension Int32: MessageElement {}
extension Int64: MessageElement {}
