extension RGBImage {
    /// Decodes a JPEG or PNG file, told apart by its first bytes and not by its name.
    ///
    /// Greyscale becomes three equal channels, alpha is dropped, of 16 bits the high 8 stay, CMYK becomes RGB as in
    /// Pillow, and the orientation in a camera's EXIF data is ignored, as OpenOOD does. JPEG gives the bits of Pillow: exact integer
    /// transform and smooth chroma upsampling. Animations are refused.
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
                reason: bytes.isEmpty
                    ? "the file is empty"
                    : "it is \(otherFormat(bytes) ?? "of no known format"), expected JPEG or PNG")
        }
    }
}

/// What a file is that is no image to be read, by its first bytes.
private func otherFormat(_ bytes: [UInt8]) -> String? {
    let starts: [(String, String)] = [
        ("GIF8", "a GIF"), ("BM", "a BMP"), ("RIFF", "a WebP"), ("II*\0", "a TIFF"), ("MM\0*", "a TIFF"),
        ("<", "a web page or another text"), ("{", "a text"), ("PK", "a zip archive"),
        ("version https://git-lfs", "a pointer of Git LFS"),
    ]
    if bytes.allSatisfy({ $0 == 0 }) { return "nothing but zeros" }
    return starts.first { bytes.starts(with: $0.0.utf8) }?.1
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
