internal import CJPEG

/// The version of libjpeg-turbo that this program was compiled with.
package func jpegLibraryVersion() -> String { unsafe String(cString: jpegVersion()) }

/// Decodes a JPEG file with the library's exact settings (exact integer DCT, smooth chroma
/// upsampling).
///
/// - Throws: If the file shows that a coefficient cannot be read as it was written, even if the
///   library could conceal the damage.
func decodeJPEG(_ bytes: [UInt8], place: @autoclosure () -> String) throws(DatasetError) -> RGBImage {
    let decoded = try unsafe bytes.withUnsafeBufferPointer { (file) throws(DatasetError) in
        try unsafe decode(file, place: place())
    }
    if decoded.isDoubtful, !JPEGCodeCheck.areCodesSound(in: bytes) {
        throw DatasetError(
            action: "decode image", place: place(),
            reason: "Corrupt JPEG data: the Huffman codes before its end cannot be those of an image")
    }
    return decoded.image
}

private func decode(
    _ file: UnsafeBufferPointer<UInt8>, place: @autoclosure () -> String
) throws(DatasetError) -> (image: RGBImage, isDoubtful: Bool) {
    let decompressor = Decompressor()
    var header = JPEGHeader()
    guard unsafe decompressor.open(file, &header) else { throw decompressor.failure(place()) }
    let (width, height) = (Int(header.width), Int(header.height))
    try checkSize(width: width, height: height, place())
    guard header.canBeWhole == 1 else {
        throw DatasetError(
            action: "decode image", place: place(),
            reason: "its \(file.count) bytes are too few for \(width)×\(height) pixels")
    }
    let count = width * height * (header.isCMYK == 1 ? 4 : 3)
    var isWhole = false
    let pixels = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
        isWhole = unsafe decompressor.decode(header, into: target)
        initialized = count
    }
    guard isWhole else { throw decompressor.failure(place()) }
    let image = RGBImage(
        width: width, height: height, bytes: header.isCMYK == 1 ? rgb(invertedCMYK: pixels) : pixels)
    return (image, decompressor.isDoubtful)
}

/// Converts CMYK to RGB as Pillow does: the values in the file are taken as inverted (Adobe's
/// convention), and `red = 255 − black − cyan · (255 − black) / 255`, rounded.
private func rgb(invertedCMYK pixels: [UInt8]) -> [UInt8] {
    var colours = [UInt8](repeating: 0, count: pixels.count / 4 * 3)
    for pixel in 0..<pixels.count / 4 {
        let light = Int(pixels[4 * pixel + 3])
        for channel in 0..<3 {
            let product = (255 - Int(pixels[4 * pixel + channel])) * light + 128
            colours[3 * pixel + channel] = UInt8(clamping: light - (product >> 8 + product) >> 8)
        }
    }
    return colours
}

/// One decompressor of the C library for one file.
@safe private struct Decompressor: ~Copyable {
    private let handle: OpaquePointer

    init() {
        guard let handle = unsafe jpegCreate() else { fatalError("no memory for a JPEG decompressor") }
        unsafe self.handle = unsafe handle
    }

    deinit { unsafe jpegDestroy(handle) }

    /// Whether extra bytes follow the codes of a scan, or the end marker is missing.
    var isDoubtful: Bool { unsafe jpegIsDoubtful(handle) == 1 }

    func open(_ file: UnsafeBufferPointer<UInt8>, _ header: inout JPEGHeader) -> Bool {
        unsafe jpegOpen(handle, file.baseAddress, file.count, &header) == 1
    }

    /// Decodes the whole image and reads to the end of the file; `false` if the file is damaged.
    func decode(_ header: JPEGHeader, into pixels: UnsafeMutableBufferPointer<UInt8>) -> Bool {
        var columns = JPEGColumns()
        return unsafe jpegStart(handle, 0, header.width, &columns) == 1
            && jpegRows(handle, 0, header.height, pixels.baseAddress) == 1
    }

    /// The error of the call that failed.
    func failure(_ place: String) -> DatasetError {
        let problem = unsafe jpegProblem(handle).map { unsafe String(cString: $0) } ?? ""
        return DatasetError(
            action: "decode image", place: place,
            reason: problem.isEmpty ? "the JPEG data cannot be decoded" : problem)
    }
}
