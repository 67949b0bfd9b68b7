internal import Kernels
internal import Memory
internal import Workers

extension Classifier {
    /// A network with the initial weights of a training run.
    ///
    /// - Parameters:
    ///   - name: The architecture.
    ///   - head: The layers after the features.
    ///   - classes: At least 1.
    ///   - seed: The seed of the random weights, as the setting `seed` of a run.
    /// - Precondition: `classes` is at least 1.
    public convenience init(_ name: NetworkName, head: HeadKind, classes: Int, seed: UInt64) {
        precondition(classes >= 1, "a network for \(classes) classes")
        self.init(name, head: head, classes: classes)
        parameters.initialize(seed: seed)
    }

    /// The number of trained parameters, without running statistics.
    public var parameterCount: Int { parameters.parameterCount }

    /// One tensor of a network's state.
    public struct Tensor: Equatable, Sendable {
        /// The name in PyTorch's state dictionary, such as `layer1.0.conv1.weight`.
        public let name: String
        /// PyTorch's shape, such as `[K, C, R, S]` for a convolution.
        public let shape: [Int]
        /// In row-major order of `shape`.
        public let elements: [Float]
    }

    /// All parameters and running statistics, in the order of PyTorch's state dictionary, without
    /// the counts of batches.
    public var tensors: [Tensor] {
        parameters.entries.filter { $0.role != .batchCount }.map {
            Tensor(name: $0.name, shape: $0.shape, elements: parameters.elements(of: $0))
        }
    }

    /// Computes features and logits of images in evaluation mode, with the running statistics.
    ///
    /// An image's results depend on that image alone, to the bit.
    ///
    /// - Parameters:
    ///   - images: Shape `[N, H, W, 3]`, channels last, normalised as in training, `H` and `W` being
    ///     `name.imageSize`.
    ///   - threads: Threads that compute, at least 1. The results do not depend on it.
    /// - Returns: Raw features, shape `[N, featureDimension]`, and logits as training uses them,
    ///   shape `[N, classes]`. With a projection head: features divided by their L2 norm, and no
    ///   logits.
    /// - Precondition: `images.count` is a positive multiple of `H · W · 3`.
    /// - Throws: If the system refuses the threads.
    public func outputs(
        of images: [Float], threads: Int = 1
    ) throws -> (features: [Float], logits: [Float]) {
        precondition(
            !images.isEmpty && images.count.isMultiple(of: imageCount),
            "\(images.count) values, expected a multiple of \(imageCount), those of one image")
        let count = images.count / imageCount
        let context = StepContext(
            BatchPlacement(sampleCount: count, microbatchSize: 32), mode: .evaluation,
            pool: try WorkerPool(exactly: threads))
        return try forward(images: Buffer(images, default: 0), context)
    }
}
