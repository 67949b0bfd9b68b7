/// A change of an image's colours, equal bit for bit to Pillow's arithmetic on 8-bit levels.
///
/// Levels are whole numbers 0...255 stored as `Float`, three per pixel.
package enum ColorChange: Equatable, Sendable {
    /// Blends the image with black; the value is the image's weight, and above 1 extrapolates away
    /// from black.
    case brightness(Float)
    /// Blends the image with its mean grey; the value is the image's weight.
    case contrast(Float)
    /// Blends each pixel with its own grey; the value is the pixel's weight.
    case saturation(Float)
    /// Rotates the hue by `turn` whole turns, −0.5 to 0.5.
    case hue(turn: Float)
    /// Replaces every pixel with its grey.
    case gray

    /// Overwrites the levels of an image.
    ///
    /// - Parameter levels: Shape `[height, width, 3]`.
    package func apply(to levels: inout MutableSpan<Float>) {
        switch self {
        case .brightness(let share):
            for i in levels.indices { levels[i] = blend(0, levels[i], share) }
        case .contrast(let share):
            let mean = meanGray(levels.span)
            for i in levels.indices { levels[i] = blend(mean, levels[i], share) }
        case .saturation(let share):
            for i in stride(from: 0, to: levels.count, by: 3) {
                let gray = luma(levels[i], levels[i + 1], levels[i + 2])
                for c in i..<i + 3 { levels[c] = blend(gray, levels[c], share) }
            }
        case .hue(let turn):
            let steps = Int(Double(turn) * 255) & 255
            for i in stride(from: 0, to: levels.count, by: 3) {
                let color = HueColor(levels[i], levels[i + 1], levels[i + 2]).turned(by: steps).levels
                for c in 0..<3 { levels[i + c] = color[c] }
            }
        case .gray:
            for i in stride(from: 0, to: levels.count, by: 3) {
                let gray = luma(levels[i], levels[i + 1], levels[i + 2])
                for c in i..<i + 3 { levels[c] = gray }
            }
        }
    }
}

/// Interpolates from one level to another, and extrapolates beyond it if `share` is above 1;
/// clamped to 0...255 and rounded down.
@inline(__always)
private func blend(_ from: Float, _ to: Float, _ share: Float) -> Float {
    min(max(from + share * (to - from), 0), 255).rounded(.down)
}

/// The luma of ITU-R BT.601 in units of 2⁻¹⁶, rounded.
@inline(__always)
private func luma(_ red: Float, _ green: Float, _ blue: Float) -> Float {
    Float((Int(red) * 19_595 + Int(green) * 38_470 + Int(blue) * 7_471 + 0x8000) >> 16)
}

/// The rounded mean of the pixels' greys.
private func meanGray(_ levels: Span<Float>) -> Float {
    var sum = 0
    for i in stride(from: 0, to: levels.count, by: 3) {
        sum += Int(luma(levels[i], levels[i + 1], levels[i + 2]))
    }
    return (Float(Double(sum) / Double(max(levels.count / 3, 1)) + 0.5)).rounded(.down)
}

/// A colour as hue, saturation and value, 0...255 each.
private struct HueColor {
    var hue: Int
    var saturation: Int
    var value: Int

    init(_ red: Float, _ green: Float, _ blue: Float) {
        let (largest, smallest) = (max(red, green, blue), min(red, green, blue))
        value = Int(largest)
        guard largest > smallest else {
            (hue, saturation) = (0, 0)
            return
        }
        let range = largest - smallest
        let (r, g, b) = ((largest - red) / range, (largest - green) / range, (largest - blue) / range)
        // Double precision where Pillow's constants are double, rounded where its variables are
        // single.
        let sixths: Float =
            if red == largest {
                b - g
            } else if green == largest {
                Float(2 + Double(r) - Double(b))
            } else {
                Float(4 + Double(g) - Double(r))
            }
        let turn = Float((Double(sixths) / 6 + 1).truncatingRemainder(dividingBy: 1))
        hue = min(max(Int(Double(turn) * 255), 0), 255)
        saturation = min(max(Int(Double(range / largest) * 255), 0), 255)
    }

    func turned(by steps: Int) -> HueColor {
        var result = self
        result.hue = (hue + steps) & 255
        return result
    }

    /// Red, green and blue.
    var levels: SIMD3<Float> {
        let v = Float(value)
        guard saturation > 0 else { return SIMD3(repeating: v) }
        let sixths = Double(hue) * 6 / 255
        let whole = sixths.rounded(.down)
        let rest = Double(Float(sixths - whole))
        let purity = Double(Float(Double(saturation) / 255))
        let level = { (share: Double) in
            Float(min(max((Double(v) * share).rounded(.toNearestOrAwayFromZero), 0), 255))
        }
        let p = level(1 - purity)
        let q = level(1 - purity * rest)
        let t = level(1 - purity * (1 - rest))
        return switch Int(whole) % 6 {
        case 0: SIMD3(v, t, p)
        case 1: SIMD3(q, v, p)
        case 2: SIMD3(p, v, t)
        case 3: SIMD3(p, q, v)
        case 4: SIMD3(t, p, v)
        default: SIMD3(v, p, q)
        }
    }
}
