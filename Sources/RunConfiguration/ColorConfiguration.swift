/// Random changes of a training image's colours, as torchvision's `ColorJitter` and `RandomGrayscale`.
public struct ColorConfiguration: Codable, Equatable, Sendable {
    /// How far the factor of an image's brightness lies from 1 at most, from 0; 0 leaves it alone.
    public var brightness = 0.0
    /// Likewise of its contrast.
    public var contrast = 0.0
    /// Likewise of its saturation.
    public var saturation = 0.0
    /// How far its hue is turned at most, either way, in whole turns: 0 to 0.5.
    public var hue = 0.0
    /// How likely an image is to be changed by the four above, from 0 to 1.
    public var probability = 1.0
    /// How likely it is to become grey, from 0 to 1.
    public var gray = 0.0

    public init() {}

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
