import Datasets
import Foundation
import Memory
import Numerics
import Testing

/// Colour changes compared with Pillow, called as by torchvision; values by
/// `make_color_changes.py`.
@Suite(.timeLimit(.minutes(30)))
struct ColorChangeTests {
    @Test func changesMatchPillowToTheBit() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fixtures/color-changes.csv")
        let rows = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").dropFirst()
        #expect(rows.count == 240)
        for row in rows {
            let fields = row.split(separator: ",")
            let values = fields.prefix(4).compactMap { Int($0) }
            let image = hashSequenceImage(offset: values[0], width: values[1], height: values[2])
            var levels = image.bytes.map { Float($0 & UInt8(values[3])) }
            var span = levels.mutableSpan
            for word in fields[4].split(separator: " ") { try Self.change(word).apply(to: &span) }
            #expect(fnv1a(levels.map { UInt8($0) }) == UInt64(fields[5], radix: 16), "\(row)")
        }
    }

    private static func change(_ word: Substring) throws -> ColorChange {
        let parts = word.split(separator: "=")
        let factor = try #require(Float(parts[1]))
        return switch parts[0] {
        case "brightness": .brightness(factor)
        case "contrast": .contrast(factor)
        case "saturation": .saturation(factor)
        case "hue": .hue(turn: factor)
        default: .gray
        }
    }

    /// Hand-computed levels: (200, 100, 50) has the grey 124, and twice its brightness is clipped
    /// at 255.
    @Test(arguments: [
        (ColorChange.gray, [124, 124, 124]), (.brightness(2), [255, 200, 100]), (.brightness(0), [0, 0, 0]),
        (.saturation(0), [124, 124, 124]), (.saturation(1), [200, 100, 50]), (.contrast(0), [124, 124, 124]),
        (.hue(turn: 0), [200, 100, 50]),
    ])
    func aPixelByHand(change: ColorChange, expected: [Float]) {
        var levels: [Float] = [200, 100, 50]
        var span = levels.mutableSpan
        change.apply(to: &span)
        #expect(levels == expected)
    }
}

@Suite(.timeLimit(.minutes(30)))
struct ColorJitterTests {
    private static let usual = ColorJitter(
        brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, probability: 0.8, grayProbability: 0.2)

    private static func draws(_ jitter: ColorJitter, _ count: Int) -> [[ColorChange]] {
        (0..<count).map { jitter.draw(from: RandomStream(seed: 3, purpose: .augmentation, 0, $0)) }
    }

    @Test func fourInFiveAreJitteredInRandomOrderAndOneInFiveIsGray() {
        let draws = Self.draws(Self.usual, 5000)
        let jittered = draws.filter { $0.count >= 4 }
        let gray = draws.filter { $0.last == .gray }
        // Four standard deviations of 5000 draws.
        #expect(abs(jittered.count - 4000) < 115 && abs(gray.count - 1000) < 115)
        #expect(draws.allSatisfy { [0, 1, 4, 5].contains($0.count) })
        var orders: [String: Int] = [:]
        var factors: [Float] = []
        var turns: [Float] = []
        for draw in jittered {
            var order = ""
            for change in draw.prefix(4) {
                switch change {
                case .brightness(let factor): (order, factors) = (order + "b", factors + [factor])
                case .contrast: order += "c"
                case .saturation: order += "s"
                case .hue(let turn): (order, turns) = (order + "h", turns + [turn])
                case .gray: order += "!"
                }
            }
            orders[order, default: 0] += 1
        }
        #expect(orders.count == 24 && orders.keys.allSatisfy { Set($0) == Set("bcsh") })
        // A 24th of 4000 is 167 ± 12.7.
        #expect(orders.values.allSatisfy { (110...220).contains($0) })
        #expect(factors.allSatisfy { $0 >= 0.6 && $0 < 1.4 } && turns.allSatisfy { abs($0) <= 0.1 })
        #expect((factors.min() ?? 1) < 0.61 && (factors.max() ?? 1) > 1.39)
        #expect((turns.min() ?? 0) < -0.099 && (turns.max() ?? 0) > 0.099)
    }

    @Test func strengthsOfZeroChangeNothing() {
        let draws = Self.draws(ColorJitter(contrast: 1.5), 100)
        for draw in draws {
            guard case .contrast(let factor) = draw.first, draw.count == 1 else {
                Issue.record("\(draw)")
                continue
            }
            #expect(factor >= 0 && factor < 2.5)
        }
        #expect(Self.draws(ColorJitter(), 20).allSatisfy { $0.isEmpty })
    }

    /// The crop geometry is the same as without colour changes; these draw from the stream's first
    /// branch, before normalisation. Padding is black before the colour changes.
    @Test(arguments: [true, false])
    func transformsChangeColoursBetweenGeometryAndNormalisation(isPadded: Bool) throws {
        let identity = ChannelNormalization(mean: [0, 0, 0], deviation: [1, 1, 1])
        let image = hashSequenceImage(offset: 11, width: 12, height: 12)
        var changed = 0
        for record in 0..<60 {
            let stream = RandomStream(seed: 5, purpose: .augmentation, 2, record)
            let plain = try Self.apply(transform(isPadded, identity, nil), image, stream)
            let whole = try Self.apply(transform(isPadded, .cifar10, Self.usual), image, stream)
            var levels = plain.map { ($0 * 255).rounded() }
            var span = levels.mutableSpan
            let changes = Self.usual.draw(from: stream.branch(1))
            for change in changes { change.apply(to: &span) }
            let (mean, deviation) = (
                ChannelNormalization.cifar10.mean, ChannelNormalization.cifar10.deviation
            )
            let expected = levels.indices.map { (levels[$0] / 255 - mean[$0 % 3]) / deviation[$0 % 3] }
            #expect(whole == expected)
            if !changes.isEmpty { changed += 1 }
        }
        #expect(changed > 40 && changed < 60)
    }

    private func transform(
        _ isPadded: Bool, _ normalization: ChannelNormalization, _ colors: ColorJitter?
    ) -> any ImageTransform {
        isPadded
            ? PaddedCropTransform(size: 12, padding: 3, normalization: normalization, colors: colors)
            : RandomResizedCropTransform(
                size: 12, smallestArea: 0.2, normalization: normalization, colors: colors)
    }

    private static func apply(
        _ transform: some ImageTransform, _ image: RGBImage, _ stream: RandomStream
    ) throws -> [Float] {
        var pixels = Buffer<Float>(count: transform.size * transform.size * 3, repeating: .nan)
        var span = pixels.mutableSpan
        try transform.write(image, stream: stream, into: &span)
        return pixels.copyToArray()
    }
}
