package import Kernels
package import RunConfiguration

/// How the images of a batch are mixed: a function of the seed, the epoch, the step and the place in the batch.
///
/// The share is drawn once a batch. Partners are a random permutation of each lane of the global batch, so that a rank mixes
/// its own images alone, and mixes them alike in every world.
package struct Mixing: Sendable {
    /// What is drawn once for a batch.
    package struct Draw: Equatable, Sendable {
        /// How much of a sample is its own, from 0 to 1.
        package var share: Float
        /// What CutMix takes from the partner; `nil` where images are blended.
        package var box: ImageBox?
    }

    let method: MixingConfiguration
    let seed: UInt64
    /// Images in a lane.
    let laneSize: Int
    /// Lanes in a batch.
    let laneCount: Int
    /// Height and width of an image.
    let size: Int

    package init(_ configuration: RunConfiguration) {
        method = configuration.mixing
        seed = configuration.seed
        laneSize = configuration.training.lane
        laneCount = configuration.training.batch / configuration.training.lane
        size = configuration.data.transform.size
    }

    /// The batch's draw; `nil` where it stays as it is.
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

    /// A box around a uniform centre, cut off at the image's edges.
    ///
    /// Yun, Han, Oh, Chun, Choe, Yoo: "CutMix: Regularization strategy to train strong classifiers with localizable features",
    /// ICCV 2019, arXiv 1905.04899, section 3.1.
    ///
    /// - Parameter side: As a share of the image's, from 0 to 1.
    private func box(side: Double, from stream: inout RandomStream) -> ImageBox {
        let half = Int(Double(size) * side) / 2
        let range = { (center: Int) in max(center - half, 0)..<min(center + half, size) }
        let columns = range(stream.integer(below: size))
        return ImageBox(rows: range(stream.integer(below: size)), columns: columns)
    }

    /// The partners of a lane's images, by their places in the lane.
    ///
    /// - Parameters:
    ///   - lane: Counted in the global batch.
    ///   - count: Images in the lane.
    func partners(epoch: Int, step: Int, lane: Int, count: Int) -> [Int] {
        var stream = RandomStream(seed: seed, purpose: .pairing, epoch, step * laneCount + lane)
        return Array(0..<count).shuffled(using: &stream)
    }
}
