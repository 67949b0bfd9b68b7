internal import Datasets
internal import Kernels
internal import Memory
internal import Networks
internal import Workers

/// Makes a step's samples from a batch's images by mixup, CutMix or RegMixup.
///
/// - mixup: Zhang, Cisse, Dauphin, Lopez-Paz: "mixup: Beyond empirical risk minimization", ICLR
///   2018, arXiv 1710.09412.
/// - CutMix: see `Mixing`.
/// - RegMixup: Pinto, Yang, Lim, Torr, Dokania: "RegMixup: Mixup as a regularizer can surprisingly
///   improve accuracy and out of distribution robustness", NeurIPS 2022, arXiv 2206.14502; images
///   and mixtures have the weight ½ each, as in OpenOOD, while the paper adds them.
///
/// If a step has two samples per image, a microbatch holds its unmixed images, then their mixtures.
package final class BatchMixer {
    private let mixing: Mixing
    private let keepsImages: Bool
    /// Shape `[N, H, W, C]`, with at least that many elements; set by `mix`.
    private(set) var images = Buffer<Float>(zeros: 0)

    /// - Parameter samplesPerImage: 2 if a step has the unmixed images, too; otherwise 1.
    package init(_ mixing: Mixing, samplesPerImage: Int) {
        self.mixing = mixing
        keepsImages = samplesPerImage == 2
    }

    /// One sample of a step; images are numbered within the rank's part of the batch.
    package struct Sample: Equatable, Sendable {
        package var image: Int
        /// `nil` for the unmixed image.
        package var partner: Int?

        package init(image: Int, partner: Int?) {
            self.image = image
            self.partner = partner
        }
    }

    /// Overwrites `images` with the samples of `batch`.
    func mix(_ batch: Batch, on pool: WorkerPool) -> BatchTargets {
        let draw = mixing.draw(epoch: batch.epoch, step: batch.step)
        let samples = samples(
            epoch: batch.epoch, step: batch.step, first: batch.samples.lowerBound, count: batch.count,
            isMixed: draw != nil)
        images.resize(to: samples.count * mixing.size * mixing.size * 3)
        withSpans(batch.images, into: &images) {
            Self.fill(&$1, samples, draw, from: $0, size: mixing.size, on: pool)
        }
        let labels = samples.map { batch.labels[$0.image] }
        guard let draw else { return BatchTargets(labels) }
        return BatchTargets(
            labels,
            mixture: .init(
                partners: samples.map { batch.labels[$0.partner ?? $0.image] },
                shares: samples.map { $0.partner == nil ? 1 : draw.share }))
    }

    /// The rank's samples, microbatch by microbatch.
    ///
    /// - Parameters:
    ///   - first: The position of the rank's first image in the global batch.
    ///   - count: The rank's images.
    package func samples(epoch: Int, step: Int, first: Int, count: Int, isMixed: Bool) -> [Sample] {
        stride(from: 0, to: count, by: mixing.microbatchSize).flatMap { start in
            let images = start..<min(start + mixing.microbatchSize, count)
            let plain = images.map { Sample(image: $0, partner: nil) }
            guard isMixed else { return plain }
            let partners = mixing.partners(
                epoch: epoch, step: step, microbatch: (first + start) / mixing.microbatchSize,
                count: images.count)
            let mixed = zip(images, partners).map { Sample(image: $0, partner: start + $1) }
            return keepsImages ? plain + mixed : mixed
        }
    }

    private static func fill(
        _ mixed: inout MutableSpan<Float>, _ samples: [Sample], _ draw: Mixing.Draw?,
        from images: Span<Float>, size: Int, on pool: WorkerPool
    ) {
        let imageCount = size * size * 3
        pool.split(&mixed, every: imageCount) { index, part in
            let sample = samples[index]
            let own = images.extracting(sample.image * imageCount..<(sample.image + 1) * imageCount)
            let first = (sample.partner ?? sample.image) * imageCount
            let partner = images.extracting(first..<first + imageCount)
            let share = sample.partner == nil ? 1 : draw?.share ?? 1
            if let box = draw?.box, sample.partner != nil {
                pasteBox(own, partner, box: box, width: size, channels: 3, into: &part)
            } else {
                blendImages(own, partner, share: share, into: &part)
            }
        }
    }
}
