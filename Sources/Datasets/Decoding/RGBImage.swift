/// A decoded image of three 8-bit channels, in row-major order from the top left pixel.
public struct RGBImage: Equatable, Sendable {
    /// In pixels.
    public var width: Int
    /// In pixels.
    public var height: Int
    /// Shape `[height, width, 3]`: red, green, blue, each from 0 to 255.
    public var bytes: [UInt8]

    /// An image of the given pixels.
    ///
    /// - Parameters:
    ///   - width: In pixels.
    ///   - height: In pixels.
    ///   - bytes: Shape `[height, width, 3]`.
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
    /// - Parameters:
    ///   - width: In pixels.
    ///   - height: In pixels.
    ///   - grey: Shape `[height, width]`.
    /// - Precondition: `grey.count` is `width · height`.
    public init(width: Int, height: Int, grey: some Collection<UInt8>) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(grey.count * 3)
        for value in grey { bytes.append(contentsOf: repeatElement(value, count: 3)) }
        self.init(width: width, height: height, bytes: bytes)
    }
}
