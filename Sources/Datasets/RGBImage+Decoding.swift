extension RGBImage {
    /// Decodes a JPEG or PNG file, told apart by its first bytes.
    ///
    /// Greyscale becomes three equal channels, alpha is dropped, and of 16 bits the high 8 stay. JPEG gives the bits
    /// of Pillow: exact integer transform and smooth chroma upsampling.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - place: Where the file is from, for the error.
    public init(decoding bytes: [UInt8], place: @autoclosure () -> String) throws(DatasetError) {
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = try decodeJPEG(bytes, place: place())
        } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = try decodePNG(bytes, place: place())
        } else {
            throw DatasetError(
                action: "decode image", place: place(),
                reason: bytes.isEmpty ? "the file is empty" : "it is neither JPEG nor PNG")
        }
    }
}

/// The most pixels an image may have, as Pillow: beyond, a few bytes would ask for gigabytes.
private let largestPixelCount = 178_956_970

/// Checks an image's size before memory is taken for it.
func checkSize(width: Int, height: Int, _ place: @autoclosure () -> String) throws(DatasetError) {
    let (count, overflows) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !overflows, count <= largestPixelCount else {
        throw DatasetError(
            action: "decode image", place: place(),
            reason: "it says it has \(width)×\(height) pixels, expected 1 to \(largestPixelCount)")
    }
}
