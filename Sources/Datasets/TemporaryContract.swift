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

/// Why a dataset, or a source of images for one, could not be read or written: one line.
public struct DatasetError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried, as in "could not *decode image*".
    public var action: String
    /// The file, and the line, record or place in an archive.
    public var place: String
    public var reason: String
    /// What to do, where that is not plain.
    public var remedy: String?

    public init(action: String, place: String, reason: String, remedy: String? = nil) {
        self.action = action
        self.place = place
        self.reason = reason
        self.remedy = remedy
    }

    public var description: String {
        "could not \(action), \(place): \(reason)" + (remedy.map { "; \($0)" } ?? "")
    }
}
