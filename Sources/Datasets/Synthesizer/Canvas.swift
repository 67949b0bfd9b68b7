internal import Numerics

/// A colour: red, green, blue in 0…1.
typealias Color = SIMD3<Float>

/// An image being drawn; pixel centres are at `(column + ½, row + ½)`, in pixels.
struct Canvas {
    static let size = 32

    private var pixels = [Color](repeating: .zero, count: size * size)

    /// The mean colour of all pixels.
    var mean: Color { pixels.reduce(.zero, +) / Float(pixels.count) }

    /// Replaces each pixel by the result of `paint` for its position and its colour.
    ///
    /// - Parameters:
    ///   - center: The centre of the square that is painted, in pixels; `reach` is half its side.
    mutating func paint(
        around center: SIMD2<Float> = .zero, reach: Float = .infinity,
        _ paint: (_ point: SIMD2<Float>, _ color: Color) -> Color
    ) {
        let limits = SIMD2<Float>(repeating: Float(Self.size))
        let low = (center - reach).clamped(lowerBound: .zero, upperBound: limits)
        let high = (center + reach + 1).clamped(lowerBound: .zero, upperBound: limits)
        for row in Int(low.y)..<Int(high.y) {
            for column in Int(low.x)..<Int(high.x) {
                let i = row * Self.size + column
                pixels[i] = paint(SIMD2(Float(column) + 0.5, Float(row) + 0.5), pixels[i])
            }
        }
    }

    /// Fills `outline`, rotated, scaled and translated, with antialiased borders.
    ///
    /// - Parameters:
    ///   - center: The position of the outline's origin, in pixels.
    ///   - radius: Pixels per unit of the outline.
    ///   - turn: The clockwise rotation, in full turns.
    ///   - color: The colour at a point in the outline's own units.
    mutating func fill(
        _ outline: Outline, center: SIMD2<Float>, radius: Float, turn: Float, opacity: Float = 1,
        color: (_ point: SIMD2<Float>) -> Color
    ) {
        let angle = 2 * Float.pi * turn
        let (sine, cosine) = (sine(angle), cosine(angle))
        paint(around: center, reach: outline.reach * radius + 1) { point, below in
            let offset = (point - center) / radius
            let own = SIMD2(
                cosine * offset.x + sine * offset.y, cosine * offset.y - sine * offset.x)
            let coverage = opacity * min(max(0.5 - outline.distance(to: own) * radius, 0), 1)
            return coverage == 0 ? below : below + (color(own) - below) * coverage
        }
    }

    /// Changes brightness, contrast and tint a little, adds noise to each channel, and rounds to
    /// bytes.
    ///
    /// - Parameter noise: The standard deviation of the noise, in units of full brightness.
    consuming func image(noise: Float, with stream: inout RandomStream) -> RGBImage {
        let contrast = stream.uniform(in: 0.75...1.15)
        let shift = Color(
            stream.uniform(in: -0.08...0.08), stream.uniform(in: -0.08...0.08),
            stream.uniform(in: -0.08...0.08))
        let center = mean
        var bytes: [UInt8] = []
        bytes.reserveCapacity(3 * pixels.count)
        for pixel in pixels {
            let color = center + (pixel - center) * contrast + shift
            for channel in 0..<3 {
                let value = color[channel] + noise * stream.approximateNormal()
                bytes.append(UInt8(min(max(value, 0), 1) * 255 + 0.5))
            }
        }
        return RGBImage(width: Self.size, height: Self.size, bytes: bytes)
    }
}

extension RandomStream {
    /// A uniform number in `range`.
    mutating func uniform(in range: ClosedRange<Float>) -> Float {
        range.lowerBound + (range.upperBound - range.lowerBound) * uniform()
    }

    /// A colour, uniform in all three channels.
    mutating func color() -> Color { Color(uniform(), uniform(), uniform()) }

    /// A dark or half dark colour near grey.
    mutating func mutedColor() -> Color {
        let brightness = uniform(in: 0.1...0.4)
        return brightness + 0.25 * (color() - 0.5)
    }

    /// A colour whose brightest channel is at 0.75 or more and whose mean is at 0.5 or more.
    mutating func brightColor() -> Color {
        let hue = color()
        let full = hue * uniform(in: 0.75...1) / max(hue.max(), 1e-3)
        let mean = full.sum() / 3
        return mean >= 0.5 ? full : full + (1 - full) * ((0.5 - mean) / (1 - mean))
    }

    /// A point of the canvas, which may lie `margin` pixels outside.
    mutating func point(margin: Float = 0) -> SIMD2<Float> {
        let range = -margin...Float(Canvas.size) + margin
        let x = uniform(in: range)
        return SIMD2(x, uniform(in: range))
    }

    /// A sum of four uniform numbers, shifted and scaled to mean 0 and variance 1.
    mutating func approximateNormal() -> Float {
        (uniform() + uniform() + uniform() + uniform() - 2) * 1.732_050_8
    }
}
