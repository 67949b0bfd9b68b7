package import Kernels
package import Memory
internal import Numerics
package import Workers

/// The operands of a convolution and its gradients: random numbers, the same on every run.
///
/// Inputs and output gradients have mean 0 and deviation 1; weights a variance of 2 / fan-in (He,
/// Zhang, Ren, Sun: "Delving deep into rectifiers", arXiv 1502.01852).
package struct ConvolutionTensors: ~Copyable {
    package let shape: ConvolutionShape
    /// Shape `[N, H, W, C]`.
    package let input: Buffer<Float>
    /// Shape `[N, P, Q, K]`.
    package let outputGradient: Buffer<Float>
    /// Shape `[R, S, C, K]`.
    package let weights: Buffer<Float>

    /// - Parameters:
    ///   - images: Images `N`.
    ///   - distinct: Number of distinct random images; further images repeat them.
    package init(_ shape: ConvolutionShape, images: Int, distinct: Int, on pool: WorkerPool) {
        self.shape = shape
        input = draw(1, count: shape.inputCount, images: images, distinct: distinct, on: pool)
        outputGradient = draw(2, count: shape.outputCount, images: images, distinct: distinct, on: pool)
        weights = draw(
            3, count: shape.weightCount / shape.kernel, images: shape.kernel, distinct: shape.kernel,
            deviation: (2 / Float(shape.patchCount)).squareRoot(), on: pool)
    }
}

/// Draws `images` times `count` elements; image `n` equals image `n` modulo `distinct`.
private func draw(
    _ tensor: Int, count: Int, images: Int, distinct: Int, deviation: Float = 1, on pool: WorkerPool
) -> Buffer<Float> {
    var values = Buffer<Float>(zeros: images * count)
    var span = values.mutableSpan
    pool.split(&span, every: count) { image, part in
        var random = RandomStream(seed: 0, purpose: .synthesis, 1 + tensor, image % distinct)
        for i in part.indices { part[i] = deviation * nearlyNormal(from: &random) }
    }
    return values
}

/// The sum of four uniform numbers, scaled to mean 0 and deviation 1: close enough to normal, and
/// it needs no logarithm.
private func nearlyNormal(from random: inout RandomStream) -> Float {
    let sum = (random.uniform() + random.uniform()) + (random.uniform() + random.uniform())
    return (sum - 2) * 1.7320508
}
