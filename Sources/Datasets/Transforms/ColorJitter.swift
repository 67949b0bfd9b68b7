package import Numerics

/// Random changes of an image's colours: brightness, contrast, saturation and hue in random order,
/// then possibly a conversion to grey.
///
/// Implements torchvision's `RandomApply([ColorJitter(…)])` followed by `RandomGrayscale` on 8-bit
/// images, the augmentation of the two views in contrastive methods (Chen, Kornblith, Norouzi,
/// Hinton: "A simple framework for contrastive learning of visual representations", ICML 2020,
/// arXiv 2002.05709, appendix A).
package struct ColorJitter: Equatable, Sendable {
    /// Largest distance of the brightness factor from 1; 0 or more, and 0 leaves the brightness
    /// unchanged.
    package let brightness: Float
    /// Largest distance of the contrast factor from 1, likewise.
    package let contrast: Float
    /// Largest distance of the saturation factor from 1, likewise.
    package let saturation: Float
    /// Largest rotation of the hue in either direction, in whole turns: 0 to 0.5.
    package let hue: Float
    /// Probability that the four changes are applied, 0 to 1.
    package let probability: Float
    /// Probability that the image becomes grey, 0 to 1.
    package let grayProbability: Float

    package init(
        brightness: Float = 0, contrast: Float = 0, saturation: Float = 0, hue: Float = 0,
        probability: Float = 1, grayProbability: Float = 0
    ) {
        precondition(
            min(brightness, contrast, saturation) >= 0 && (0...0.5).contains(hue),
            "strengths \(brightness), \(contrast), \(saturation) and \(hue)")
        precondition(
            (0...1).contains(probability) && (0...1).contains(grayProbability),
            "probabilities \(probability) and \(grayProbability)")
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.probability = probability
        self.grayProbability = grayProbability
    }

    /// Draws the changes of one image, in the order in which they are applied.
    package func draw(from stream: RandomStream) -> [ColorChange] {
        var stream = stream
        let isJittered = stream.uniform() < probability
        let isGray = stream.uniform() < grayProbability
        var changes: [ColorChange] = []
        if isJittered {
            if brightness > 0 { changes.append(.brightness(factor(brightness, &stream))) }
            if contrast > 0 { changes.append(.contrast(factor(contrast, &stream))) }
            if saturation > 0 { changes.append(.saturation(factor(saturation, &stream))) }
            if hue > 0 { changes.append(.hue(turn: -hue + 2 * hue * stream.uniform())) }
            changes.shuffle(using: &stream)
        }
        return isGray ? changes + [.gray] : changes
    }

    /// Uniform from 1 − strength, but not below 0, to 1 + strength.
    private func factor(_ strength: Float, _ stream: inout RandomStream) -> Float {
        let low = max(0, 1 - strength)
        return low + (1 + strength - low) * stream.uniform()
    }
}
