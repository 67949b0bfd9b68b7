extension RGBImage {
    /// Decodes a JPEG, PNG or WebP file; the first bytes determine the format, not the name.
    ///
    /// Greyscale becomes three equal channels, alpha is dropped, 16-bit channels are reduced to
    /// their high 8 bits, CMYK becomes RGB as in Pillow, and the EXIF orientation is ignored as in
    /// OpenOOD. JPEG pixels equal Pillow's bit for bit: exact integer DCT and smooth chroma
    /// upsampling. Animations are refused.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - place: The origin of the file, for errors.
    package init(decoding bytes: [UInt8], place: @autoclosure () -> String) throws(DatasetError) {
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

/// Maximum number of pixels of an image, as in Pillow: without a limit, a file of a few bytes could
/// request gigabytes of memory.
private let largestPixelCount = 178_956_970

/// Checks an image's size before memory is allocated for it.
package func checkSize(width: Int, height: Int, _ place: @autoclosure () -> String) throws(DatasetError) {
    let (count, overflows) = width.multipliedReportingOverflow(by: height)
    guard width > 0, height > 0, !overflows, count <= largestPixelCount else {
        throw DatasetError(
            action: "decode image", place: place(),
            reason: "its header says \(width)×\(height) pixels, expected 1 to \(largestPixelCount)")
    }
}
