/// A number that ranks send each other as its bytes; all ranks have the same byte order.
public protocol MessageElement: AdditiveArithmetic, BitwiseCopyable, Sendable {}

extension Float: MessageElement {}
extension Double: MessageElement {}
extension UInt8: MessageElement {}
extension Int32: MessageElement {}
extension Int64: MessageElement {}
