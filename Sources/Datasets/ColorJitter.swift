package import Kernels

/// Random changes of an image's colours: brightness, contrast, saturation and hue in random order, then perhaps grey.
///
/// torchvision's `RandomApply([ColorJitter(…)])` and `RandomGrayscale` on images of 8 bits, as the two views of contrastive methods have
/// them (Chen, Kornblith, Norouzi, Hinton: "A simple framework for contrastive learning of visual representations", ICML 2020,
/// arXiv 2002.05709, appendix A).
public struct ColorJitter: Equatable, Sendable {
    /// How far the factor of the brightness lies from 1 at most, from 0; 0 leaves it alone.
    public let brightness: Float
    /// Likewise of the contrast.
    public let contrast: Float
    /// Likewise of the saturation.
    public let saturation: Float
    /// How far the hue is turned at most, either way, in whole turns: 0 to 0.5.
    public let hue: Float
    /// How likely the four are to be applied, from 0 to 1.
    public let probability: Float
    /// How likely the image is to become grey, from 0 to 1.
    public let grayProbability: Float

    public init(
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

    /// What becomes of one image, in order.
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
