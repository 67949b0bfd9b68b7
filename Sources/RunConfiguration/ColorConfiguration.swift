/// Random colour augmentation of training images, as torchvision's `ColorJitter` and
/// `RandomGrayscale`.
package struct ColorConfiguration: Codable, Equatable, Sendable {
    /// The largest distance of the brightness factor from 1, at least 0; 0 leaves the brightness
    /// unchanged.
    package var brightness = 0.0
    /// Likewise for the contrast.
    package var contrast = 0.0
    /// Likewise for the saturation.
    package var saturation = 0.0
    /// The largest rotation of the hue in either direction, in whole turns: 0 to 0.5.
    package var hue = 0.0
    /// The probability that an image is changed by the four above, from 0 to 1.
    package var probability = 1.0
    /// The probability that an image becomes grey, from 0 to 1.
    package var gray = 0.0

    package init() {}

    func validate() throws(ConfigurationError) {
        for (key, value) in [("brightness", brightness), ("contrast", contrast), ("saturation", saturation)] {
            try check(
                value >= 0 && value.isFinite, "data.transform.color.\(key)", value, "a finite number from 0")
        }
        try check(
            (0...0.5).contains(hue), "data.transform.color.hue", hue, "a number of turns from 0 to 0.5")
        try check(
            (0...1).contains(probability), "data.transform.color.probability", probability,
            "a number from 0 to 1")
        try check((0...1).contains(gray), "data.transform.color.gray", gray, "a number from 0 to 1")
    }
}
