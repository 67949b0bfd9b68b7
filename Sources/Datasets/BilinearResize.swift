/// A rectangle of pixels inside an image.
public struct PixelBox: Equatable, Sendable {
    public var x: Int
    public var y: Int
    public var width: Int
    public var height: Int

    public init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }
}

extension RGBImage {
    /// The whole image.
    public var bounds: PixelBox { PixelBox(x: 0, y: 0, width: width, height: height) }

    /// The pixels in `box`.
    ///
    /// - Precondition: `box` lies inside the image.
    public func cropped(to box: PixelBox) -> RGBImage {
        checkBox(box)
        if box == bounds { return self }
        var cropped: [UInt8] = []
        cropped.reserveCapacity(3 * box.width * box.height)
        for row in box.y..<box.y + box.height {
            let start = 3 * (row * width + box.x)
            cropped += bytes[start..<start + 3 * box.width]
        }
        return RGBImage(width: box.width, height: box.height, bytes: cropped)
    }

    /// The pixels in `box`, the whole image by default, resized to `width` × `height`.
    ///
    /// Bilinear with a triangle that is widened by the reduction, so antialiased; equal bit for bit to Pillow's `crop`
    /// followed by `resize` with `BILINEAR`. Along x first, then along y, with 8 bits in between; a pass
    /// that changes nothing is left out. Pixels outside `box` are not looked at. (Newer versions of Pillow go along y
    /// first where the aspect ratio changes much, which makes differences of one level.)
    ///
    /// - Precondition: `box` lies inside the image; it and the result hold at least one pixel.
    public func resized(from box: PixelBox? = nil, width: Int, height: Int) -> RGBImage {
        let box = box ?? bounds
        checkBox(box)
        precondition(width >= 1 && height >= 1, "an image resized to \(width)×\(height)")
        if box.width == width && box.height == height { return cropped(to: box) }
        let narrow = box.width == width ? cropped(to: box) : resizedAlongX(from: box, width: width)
        return narrow.height == height ? narrow : narrow.resizedAlongY(height: height)
    }

    private func checkBox(_ box: PixelBox) {
        precondition(
            box.x >= 0 && box.y >= 0 && box.width >= 1 && box.height >= 1 && box.x + box.width <= width
                && box.y + box.height <= height, "\(box) in an image of \(width)×\(height)")
    }

    private func resizedAlongX(from box: PixelBox, width outWidth: Int) -> RGBImage {
        let axis = ResizeAxis(from: box.width, to: outWidth)
        var output = [UInt8](repeating: 0, count: 3 * outWidth * box.height)
        let source = bytes.span
        var target = output.mutableSpan
        let weights = axis.weights.span
        let starts = axis.starts.span
        for row in 0..<box.height {
            let line = 3 * ((box.y + row) * width + box.x)
            for i in 0..<outWidth {
                var sum = SIMD4<Int32>(repeating: ResizeAxis.half)
                var from = line + 3 * starts[i]
                for k in axis.taps(of: i) {
                    let pixel = SIMD4(
                        Int32(source[from]), Int32(source[from + 1]), Int32(source[from + 2]), 0)
                    sum &+= weights[k] &* pixel
                    from += 3
                }
                let to = 3 * (row * outWidth + i)
                for channel in 0..<3 { target[to + channel] = ResizeAxis.level(sum[channel]) }
            }
        }
        return RGBImage(width: outWidth, height: box.height, bytes: output)
    }

    private func resizedAlongY(height outHeight: Int) -> RGBImage {
        let axis = ResizeAxis(from: height, to: outHeight)
        let line = 3 * width
        var output = [UInt8](repeating: 0, count: line * outHeight)
        var sums = [Int32](repeating: 0, count: line)
        let source = bytes.span
        var target = output.mutableSpan
        var sum = sums.mutableSpan
        for i in 0..<outHeight {
            for x in 0..<line { sum[x] = ResizeAxis.half }
            for (tap, k) in axis.taps(of: i).enumerated() {
                let weight = axis.weights[k]
                let from = source.extracting(
                    (axis.starts[i] + tap) * line..<(axis.starts[i] + tap + 1) * line)
                for x in 0..<line { sum[x] &+= weight &* Int32(from[x]) }
            }
            for x in 0..<line { target[i * line + x] = ResizeAxis.level(sum[x]) }
        }
        return RGBImage(width: width, height: outHeight, bytes: output)
    }
}

/// Which input pixels make an output pixel along one axis, and with what weight in units of 2⁻²².
private struct ResizeAxis {
    static let precision = 22
    static let half: Int32 = 1 << (precision - 1)

    private(set) var starts: [Int] = []
    private(set) var weights: [Int32] = []
    private var ends: [Int] = [0]

    init(from inputCount: Int, to outputCount: Int) {
        let scale = Double(inputCount) / Double(outputCount)
        let support = max(scale, 1)
        for i in 0..<outputCount {
            let center = (Double(i) + 0.5) * scale
            let low = max(0, Int(center - support + 0.5))
            let high = min(inputCount, Int(center + support + 0.5))
            let triangle = (low..<high).map { max(0, 1 - abs((Double($0) - center + 0.5) / support)) }
            let sum = triangle.reduce(0, +)
            starts.append(low)
            weights += triangle.map { Int32($0 / sum * Double(1 << Self.precision) + 0.5) }
            ends.append(weights.count)
        }
    }

    /// Where the weights of output pixel `i` stand.
    func taps(of i: Int) -> Range<Int> { ends[i]..<ends[i + 1] }

    static func level(_ sum: Int32) -> UInt8 { UInt8(clamping: sum >> Int32(precision)) }
}
