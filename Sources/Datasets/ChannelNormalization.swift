/// What a network gets for a pixel: `(v / 255 − mean) / deviation` in single precision, per channel.
public struct ChannelNormalization: Equatable, Sendable {
    /// Per channel red, green, blue, in units of full brightness.
    public let mean: [Float]
    /// Per channel, in units of full brightness; above 0.
    public let deviation: [Float]
    private let table: [Float]

    /// - Precondition: Three numbers each; no deviation is 0 or less.
    public init(mean: [Float], deviation: [Float]) {
        precondition(
            mean.count == 3 && deviation.count == 3, "\(mean.count) means, \(deviation.count) deviations")
        precondition(deviation.allSatisfy { $0 > 0 }, "deviations \(deviation)")
        self.mean = mean
        self.deviation = deviation
        table = zip(mean, deviation).flatMap { mean, deviation in
            (0..<256).map { (Float($0) / 255 - mean) / deviation }
        }
    }

    /// Shape `[3, 256]`: the value of each level of each channel.
    var levels: Span<Float> {
        @_lifetime(borrow self) get { table.span }
    }

    /// The constants that OpenOOD uses for CIFAR-10.
    public static let cifar10 = ChannelNormalization(
        mean: [0.4914, 0.4822, 0.4465], deviation: [0.2470, 0.2435, 0.2616])
    /// The constants that OpenOOD uses for CIFAR-100.
    public static let cifar100 = ChannelNormalization(
        mean: [0.5071, 0.4867, 0.4408], deviation: [0.2675, 0.2565, 0.2761])
    /// The constants of ImageNet and its subsets.
    public static let imageNet = ChannelNormalization(
        mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225])
}

extension RGBImage {
    /// Overwrites `pixels` with a normalised square of the image, mirrored if asked.
    ///
    /// - Parameters:
    ///   - x: The square's left column, which may lie outside: pixels there have level 0 in all channels.
    ///   - y: The square's top row, likewise.
    ///   - isMirrored: Whether the image, not the square, is mirrored left to right first.
    ///   - pixels: Shape `[size, size, 3]`.
    func writeSquare(
        x: Int, y: Int, size: Int, isMirrored: Bool, normalization: ChannelNormalization,
        into pixels: inout MutableSpan<Float>
    ) {
        precondition(
            pixels.count == size * size * 3, "\(pixels.count) elements for \(size)×\(size)×3")
        let levels = normalization.levels
        let source = bytes.span
        let step = isMirrored ? -3 : 3
        let inside = max(0, -x)..<max(max(0, -x), min(size, width - x))
        for row in 0..<size {
            let start = row * size * 3
            let columns = (0..<height).contains(y + row) ? inside : 0..<0
            for column in 0..<size where !columns.contains(column) {
                for channel in 0..<3 { pixels[start + column * 3 + channel] = levels[channel * 256] }
            }
            guard let first = columns.first else { continue }
            let column = isMirrored ? width - 1 - (x + first) : x + first
            var from = 3 * ((y + row) * width + column)
            var to = start + 3 * first
            for _ in columns {
                pixels[to] = levels[Int(source[from])]
                pixels[to + 1] = levels[256 + Int(source[from + 1])]
                pixels[to + 2] = levels[512 + Int(source[from + 2])]
                from += step
                to += 3
            }
        }
    }
}
