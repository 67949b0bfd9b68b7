package import Datasets
internal import Kernels
internal import Numerics

/// Draws the embedded benchmark: small images of objects, textures and noise.
///
/// Every image is 32×32 and depends only on the seed, its set and its index. Position, size,
/// rotation, colours, background, clutter and noise vary, and the colours of one image in ten are
/// inverted, so that no single pixel reveals the class: a ResNet-20 (PyTorch, 8,000 images, batches
/// of 64, cosine schedule from 0.1 over 4 epochs) had a test accuracy of 12, 35, 88 and 90 % after
/// epochs 1 to 4, and with T2FNorm 20, 60, 87 and 89 %.
package struct Synthesizer: Sendable {
    /// The content of an image.
    package enum Subject: Equatable, Sendable {
        /// An object of one of the ten classes.
        case shape(SyntheticShape)
        /// An object that belongs to no class, in the same style.
        case unseenShape(UnseenShape)
        /// A texture without an object.
        case texture
        /// Noise.
        case noise
    }

    package let seed: UInt64

    package init(seed: UInt64) { self.seed = seed }

    /// Image `index` of the set `name`.
    package func image(of subject: Subject, in name: SyntheticSet.Name, index: Int) -> RGBImage {
        var stream = RandomStream(seed: seed, purpose: .synthesis, name.streamNumber, index)
        switch subject {
        case .shape(let shape):
            return objectImage(with: &stream) { shape.outline(thickness: $0) }
        case .unseenShape(let shape):
            return objectImage(with: &stream) { shape.outline(thickness: $0) }
        case .texture:
            return Canvas.texture(with: &stream).image(noise: stream.uniform(in: 0...0.05), with: &stream)
        case .noise:
            return Canvas.noise(with: &stream).image(noise: 0, with: &stream)
        }
    }

    private func objectImage(
        with stream: inout RandomStream, outline: (_ thickness: Float) -> Outline
    ) -> RGBImage {
        var canvas = Canvas.background(with: &stream)
        canvas.drawObject(outline(stream.uniform()), with: &stream)
        canvas.drawStrokes(stream.integer(below: 3), with: &stream)
        if stream.uniform() < 0.1 { canvas.paint { _, color in 1 - color } }
        return canvas.image(noise: stream.uniform(in: 0.01...0.07), with: &stream)
    }
}
