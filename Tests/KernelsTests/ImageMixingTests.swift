import Kernels
import Numerics
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct ImageMixingTests {
    @Test func aBlendIsTheWeightedMean() {
        let (image, partner): ([Float], [Float]) = ([1, 2, 3], [5, 6, -1])
        #expect(
            overwritten(3) { blendImages(image.span, partner.span, share: 0.75, into: &$0) } == [2, 3, 2])
        #expect(overwritten(3) { blendImages(image.span, partner.span, share: 1, into: &$0) } == image)
        #expect(overwritten(3) { blendImages(image.span, partner.span, share: 0, into: &$0) } == partner)
    }

    /// 2 rows × 3 columns × 2 channels.
    @Test func aBoxIsThePartners() {
        let image = [Float](repeating: 0, count: 12)
        let partner = (1...12).map(Float.init)
        let paste = { (box: ImageBox) in
            overwritten(12) {
                pasteBox(image.span, partner.span, box: box, width: 3, channels: 2, into: &$0)
            }
        }
        #expect(
            paste(ImageBox(rows: 1..<2, columns: 0..<2)) == [0, 0, 0, 0, 0, 0, 7, 8, 9, 10, 0, 0])
        #expect(
            paste(ImageBox(rows: 0..<2, columns: 2..<3)) == [0, 0, 0, 0, 5, 6, 0, 0, 0, 0, 11, 12])
        #expect(paste(ImageBox(rows: 0..<0, columns: 0..<3)) == image)
    }

    /// Mean ½ and variance 1 / (4 (2α + 1)), to four standard errors of 40,000 samples.
    @Test(arguments: [0.01, 0.2, 1, 20])
    func betaNumbersHaveTheirMoments(alpha: Double) {
        var stream = RandomStream(seed: 7, purpose: .test, 1)
        let values = (0..<40_000).map { _ in stream.symmetricBeta(alpha) }
        #expect(values.allSatisfy { (0...1).contains($0) })
        let variance = 1 / (4 * (2 * alpha + 1))
        let mean = values.reduce(0, +) / 40_000
        #expect(abs(mean - 0.5) < 4 * (variance / 40_000).squareRoot())
        let found = values.reduce(0) { $0 + ($1 - 0.5) * ($1 - 0.5) } / 40_000
        #expect(abs(found / variance - 1) < 0.03)
    }

    /// With parameter 1 it is the uniform distribution: the Kolmogorov–Smirnov distance is below
    /// its 0.1 % point.
    @Test func betaOfOneIsUniform() {
        var stream = RandomStream(seed: 7, purpose: .test, 2)
        let values = (0..<10_000).map { _ in stream.symmetricBeta(1) }.sorted()
        let distance = values.enumerated().map { abs($1 - (Double($0) + 0.5) / 10_000) }.max() ?? 1
        #expect(distance < 1.95 / 100)
    }
}
