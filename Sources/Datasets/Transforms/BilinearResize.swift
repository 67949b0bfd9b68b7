/// A rectangle of pixels inside an image.
package struct PixelBox: Equatable, Sendable {
    package var x: Int
    package var y: Int
    package var width: Int
    package var height: Int

    package init(x: Int, y: Int, width: Int, height: Int) {
        self.x = x
        self.y = y
        self.width = width
        self.height = height
    }
}

extension RGBImage {
    /// The whole image.
    package var bounds: PixelBox { PixelBox(x: 0, y: 0, width: width, height: height) }

    /// The pixels in `box`.
    ///
    /// - Precondition: `box` lies inside the image.
    package func cropped(to box: PixelBox) -> RGBImage {
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

    /// Resizes so that the shorter side becomes `size`; the longer one is rounded down, as
    /// torchvision does.
    package func shorterSideResized(to size: Int) -> RGBImage {
        if min(width, height) == size { return self }
        return width <= height
            ? resized(width: size, height: size * height / width)
            : resized(width: size * width / height, height: size)
    }

    /// The pixels in `box`, the whole image by default, resized to `width` × `height`.
    ///
    /// Antialiased bilinear filter: the triangle is widened by the reduction factor. Equal bit for
    /// bit to Pillow's `crop` followed by `resize` with `BILINEAR`. The first pass is along x, the
    /// second along y, with 8-bit levels in between; a pass that changes nothing is skipped. Pixels
    /// outside `box` are not read. (Newer versions of Pillow resize along y first if the aspect
    /// ratio changes much, which causes differences of one level.)
    ///
    /// - Precondition: `box` lies inside the image; it and the result hold at least one pixel.
    package func resized(from box: PixelBox? = nil, width: Int, height: Int) -> RGBImage {
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
        for row in 0..<box.height {
            let line = 3 * ((box.y + row) * width + box.x)
            for i in 0..<outWidth {
                var sum = SIMD4<Int32>(repeating: ResizeAxis.half)
                for (tap, column) in axis.window(of: i).enumerated() {
                    let from = line + 3 * column
                    let pixel = SIMD4(
                        Int32(source[from]), Int32(source[from + 1]), Int32(source[from + 2]), 0)
                    sum &+= axis.weights[i * axis.taps + tap] &* pixel
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
            for (tap, row) in axis.window(of: i).enumerated() {
                let weight = axis.weights[i * axis.taps + tap]
                let from = source.extracting(row * line..<(row + 1) * line)
                for x in 0..<line { sum[x] &+= weight &* Int32(from[x]) }
            }
            for x in 0..<line { target[i * line + x] = ResizeAxis.level(sum[x]) }
        }
        return RGBImage(width: width, height: outHeight, bytes: output)
    }
}
