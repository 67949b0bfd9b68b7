extension RGBImage {
    /// Decodes a JPEG, PNG or WebP file, told apart by its first bytes and not by its name.
    ///
    /// Greyscale becomes three equal channels, alpha is dropped, of 16 bits the high 8 stay, CMYK becomes RGB as in
    /// Pillow, and the orientation in a camera's EXIF data is ignored, as OpenOOD does. JPEG gives the bits of Pillow: exact integer
    /// transform and smooth chroma upsampling. Animations are refused.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - place: Where the file is from, for the error.
    public init(decoding bytes: [UInt8], place: @autoclosure () -> String) throws(DatasetError) {
        switch ImageFormat(bytes) {
        case .jpeg: self = try decodeJPEG(bytes, place: place())
        case .png: self = try decodePNG(bytes, place: place())
        case .webP: self = try decodeWebP(bytes, place: place())
        case nil:
            throw DatasetError(
                action: "decode image", place: place(),
                reason: bytes.isEmpty
                    ? "the file is empty"
                    : "it is \(FileKind(bytes).description), expected JPEG, PNG or WebP")
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
