internal import Memory
package import Numerics

/// One worker's buffers for one image at a time: the stored image, the decoded image, and the rows
/// being resized.
///
/// A source puts an image in, a transform takes it out; the next image reuses the memory.
///
/// `@unchecked Sendable`: a workspace has one owner at a time, which hands over the whole
/// workspace.
package final class ImageWorkspace: @unchecked Sendable {
    /// The image that a source has put in.
    private enum Content {
        case nothing
        case pixels(width: Int, height: Int)
        case file(byteCount: Int, place: () -> String)
    }

    private var content = Content.nothing
    /// The stored image: pixels or a file.
    private var stored = Buffer<UInt8>(zeros: 0)
    private var decoded = Buffer<UInt8>(zeros: 0)
    private let region = JPEGRegion()
    private var rows = RowPipeline()

    package init() {}

    /// Puts an image in.
    package func hold(_ image: RGBImage) {
        holdPixels(width: image.width, height: image.height) { pixels in
            let bytes = image.bytes.span
            for i in bytes.indices { pixels[i] = bytes[i] }
        }
    }

    /// Puts in the pixels that `read` writes, of shape `[height, width, 3]`.
    package func holdPixels<Failure: Error>(
        width: Int, height: Int, _ read: (inout MutableSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        try hold(3 * width * height, read)
        content = .pixels(width: width, height: height)
    }

    /// Puts in the image file of `byteCount` bytes that `read` writes.
    ///
    /// - Parameter place: The origin of the file, for errors.
    package func holdFile<Failure: Error>(
        byteCount: Int, place: @escaping () -> String,
        read: (inout MutableSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        try hold(byteCount, read)
        content = .file(byteCount: byteCount, place: place)
    }

    private func hold<Failure: Error>(
        _ byteCount: Int, _ read: (inout MutableSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        content = .nothing
        try Self.fill(&stored, byteCount, read)
    }

    private static func fill<Failure: Error>(
        _ buffer: inout Buffer<UInt8>, _ byteCount: Int,
        _ read: (inout MutableSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        buffer.reserve(byteCount)
        var span = buffer.mutableSpan
        var part = span.part(0..<byteCount)
        try read(&part)
    }

    /// Overwrites `pixels` with the transformed image; decodes only the part of it that the
    /// transform uses.
    ///
    /// - Parameter pixels: Shape `[size, size, 3]`.
    /// - Throws: If the image is damaged in the part that is decoded, or the transform cannot be
    ///   applied to it.
    /// - Precondition: A source has put an image in.
    package func write(
        _ transform: some ImageTransform, stream: RandomStream, into pixels: inout MutableSpan<Float>
    ) throws(DatasetError) {
        switch content {
        case .nothing: preconditionFailure("a workspace without an image")
        case .pixels(let width, let height):
            let geometry = try transform.geometry(width: width, height: height, stream: stream)
            let rect = PixelBox(x: 0, y: 0, width: width, height: height)
            rows.write(stored, rect, geometry, transform, stream, into: &pixels)
        case .file(let byteCount, let place):
            if let (rect, geometry) = try decodeRegion(byteCount, place, transform, stream) {
                rows.write(decoded, rect, geometry, transform, stream, into: &pixels)
                return
            }
            let image = try RGBImage(
                decoding: Array(stored, count: byteCount), place: place())
            let geometry = try transform.geometry(
                width: image.width, height: image.height, stream: stream)
            hold(image)
            rows.write(stored, image.bounds, geometry, transform, stream, into: &pixels)
        }
    }

    /// Decodes the part of a JPEG that the transform uses; `nil` for other formats and for damaged
    /// files.
    ///
    /// - Returns: The position of the decoded pixels in the (scaled) image, and their geometry.
    private func decodeRegion(
        _ byteCount: Int, _ place: () -> String, _ transform: some ImageTransform, _ stream: RandomStream
    ) throws(DatasetError) -> (PixelBox, CropGeometry)? {
        try region.withFile(stored, byteCount: byteCount) {
            (width, height) throws(DatasetError) -> (PixelBox, CropGeometry)? in
            try checkSize(width: width, height: height, place())
            var geometry = try transform.geometry(width: width, height: height, stream: stream)
            if transform.decoding == .scaled { geometry = scaled(geometry) }
            return region.decode(geometry.box, into: &decoded).map { ($0, geometry) }
        }
    }

    /// Chooses the smallest scale among 1/8, 1/4 and 1/2 at which the box is at least as large as
    /// after the transform's resize.
    private func scaled(_ geometry: CropGeometry) -> CropGeometry {
        let box = geometry.box
        let eighths = [1, 2, 4].first {
            box.width * $0 >= 8 * geometry.width && box.height * $0 >= 8 * geometry.height
        }
        guard let eighths else { return geometry }
        let whole = region.scale(eighths: eighths)
        var geometry = geometry
        let x = Self.scaled(box.x, box.width, eighths, whole.width)
        let y = Self.scaled(box.y, box.height, eighths, whole.height)
        geometry.box = PixelBox(x: x.lowerBound, y: y.lowerBound, width: x.count, height: y.count)
        return geometry
    }

    /// The range of scaled columns or rows nearest to `start..<start + count`, at least one.
    private static func scaled(_ start: Int, _ count: Int, _ eighths: Int, _ whole: Int) -> Range<Int> {
        let low = min((start * eighths + 4) / 8, whole - 1)
        return low..<max(low + 1, min(((start + count) * eighths + 4) / 8, whole))
    }
}

extension [UInt8] {
    fileprivate init(_ buffer: borrowing Buffer<UInt8>, count: Int) {
        let bytes = buffer.span.extracting(0..<count)
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }
}

extension RowPipeline {
    fileprivate mutating func write(
        _ bytes: borrowing Buffer<UInt8>, _ rect: PixelBox, _ geometry: CropGeometry,
        _ transform: some ImageTransform, _ stream: RandomStream, into pixels: inout MutableSpan<Float>
    ) {
        write(
            PixelGrid(bytes: bytes.span, rect: rect), geometry, size: transform.size,
            colors: transform.colors?.draw(from: stream.branch(1)) ?? [], transform.normalization,
            into: &pixels)
    }
}
