/// A decoded image of three 8-bit channels.
public struct RGBImage: Equatable, Sendable {
    public var width: Int
    public var height: Int
    /// Shape `[height, width, 3]`: red, green, blue.
    public var bytes: [UInt8]

    /// - Precondition: `bytes.count` is `width · height · 3`.
    public init(width: Int, height: Int, bytes: [UInt8]) {
        precondition(
            bytes.count == width * height * 3, "\(bytes.count) bytes for \(width)×\(height) pixels of 3")
        self.width = width
        self.height = height
        self.bytes = bytes
    }

    /// An image of three equal channels.
    ///
    /// - Parameter grey: Shape `[height, width]`.
    public init(width: Int, height: Int, grey: some Collection<UInt8>) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(grey.count * 3)
        for value in grey { bytes.append(contentsOf: repeatElement(value, count: 3)) }
        self.init(width: width, height: height, bytes: bytes)
    }
}
