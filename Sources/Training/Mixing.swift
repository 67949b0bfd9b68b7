package import Kernels
internal import Numerics
package import RunConfiguration

/// How the images of a batch are mixed: a function of the seed, the epoch, the step and the
/// position in the batch.
///
/// The mixing weight is drawn once per batch. Partners are a random permutation of each microbatch
/// of the global batch, so that a rank mixes only its own images, with the same result for every
/// world size.
package struct Mixing: Sendable {
    /// The random draw of a batch.
    package struct Draw: Equatable, Sendable {
        /// Weight of a sample's own image, from 0 to 1.
        package var share: Float
        /// The box that CutMix takes from the partner; `nil` if images are blended.
        package var box: ImageBox?
    }

    let method: MixingConfiguration
    let seed: UInt64
    /// Images in a microbatch.
    let microbatchSize: Int
    /// Microbatches in a batch.
    let microbatchCount: Int
    /// Height and width of an image.
    let size: Int

    package init(_ configuration: RunConfiguration) {
        method = configuration.mixing
        seed = configuration.seed
        microbatchSize = configuration.training.microbatch
        microbatchCount = configuration.training.batch / configuration.training.microbatch
        size = configuration.data.transform.size
    }

    /// The batch's draw; `nil` if the batch is not mixed.
    package func draw(epoch: Int, step: Int) -> Draw? {
        var stream = RandomStream(seed: seed, purpose: .mixing, epoch, step)
        if method.name != .regMixup && stream.uniformDouble() >= method.probability { return nil }
        let share = stream.symmetricBeta(method.resolvedAlpha)
        switch method.name {
        case .none: return nil
        case .mixup, .regMixup: return Draw(share: Float(share), box: nil)
        case .cutMix:
            let box = box(side: (1 - share).squareRoot(), from: &stream)
            return Draw(share: 1 - Float(box.area) / Float(size * size), box: box)
        }
    }

    /// A box around a uniformly drawn centre, clipped at the image's edges.
    ///
    /// Yun, Han, Oh, Chun, Choe, Yoo: "CutMix: Regularization strategy to train strong classifiers
    /// with localizable features", ICCV 2019, arXiv 1905.04899, section 3.1.
    ///
    /// - Parameter side: As a fraction of the image's side, from 0 to 1.
    private func box(side: Double, from stream: inout RandomStream) -> ImageBox {
        let half = Int(Double(size) * side) / 2
        let range = { (center: Int) in max(center - half, 0)..<min(center + half, size) }
        let columns = range(stream.integer(below: size))
        return ImageBox(rows: range(stream.integer(below: size)), columns: columns)
    }

    /// The partners of a microbatch's images, as indices in the microbatch.
    ///
    /// - Parameters:
    ///   - microbatch: Index of the microbatch in the global batch.
    ///   - count: Images in the microbatch.
    func partners(epoch: Int, step: Int, microbatch: Int, count: Int) -> [Int] {
        var stream = RandomStream(seed: seed, purpose: .pairing, epoch, step * microbatchCount + microbatch)
        return Array(0..<count).shuffled(using: &stream)
    }
}
