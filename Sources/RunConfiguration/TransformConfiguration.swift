/// How an image becomes the network's input.
package struct TransformConfiguration: Codable, Equatable, Sendable {
    /// The crop of a training image.
    package enum Crop: String, Choice {
        /// A window of `size` at a random position in the image with a black border of `padding`.
        case padded
        /// A window of random area (at least `smallestArea` of the image's) and aspect ratio,
        /// resized to `size`.
        case resized
    }

    /// How a training image's JPEG is decoded.
    package enum Decode: String, Choice {
        /// It is decoded to its exact pixels.
        case exact
        /// It is decoded at an eighth, a quarter or half of its size if the crop shrinks it at
        /// least as much: faster, with other pixels.
        case scaled
    }

    /// Height and width of the network's input in pixels.
    package var size = 32
    /// The length that an image's shorter side is resized to before the crop, in pixels; 0 for
    /// `size`.
    package var resize = 0
    /// The width of the border that a padded crop may reach into, in pixels.
    package var padding = 4
    /// Whether half of the training images are flipped horizontally.
    package var flip = true
    /// The crop of a training image.
    package var crop = Crop.padded
    /// The smallest fraction of an image's area that a resized crop takes, above 0 and at most 1.
    package var smallestArea = 0.08
    /// Random colour augmentation of training images.
    package var color = ColorConfiguration()
    /// How a training image's JPEG is decoded; changes what the run computes.
    package var decode = Decode.exact
    /// The mean of red, green and blue, which is subtracted; pixel values range from 0 to 1.
    package var mean = [0.4914, 0.4822, 0.4465]
    /// The standard deviation of red, green and blue, by which pixel values are divided.
    package var standardDeviation = [0.2470, 0.2435, 0.2616]

    package init() {}

    /// The length that an image's shorter side is resized to.
    package var resizedSide: Int { resize == 0 ? size : resize }

    func validate() throws(ConfigurationError) {
        try check(
            (1...16_384).contains(size), "data.transform.size", size, "a number of pixels from 1 to 16384")
        try check(
            resize == 0 || (size...16_384).contains(resize), "data.transform.resize", resize,
            "0, or a number of pixels from data.transform.size (\(size)) to 16384")
        try check(
            (0...size).contains(padding), "data.transform.padding", padding,
            "a number of pixels from 0 to data.transform.size (\(size))")
        try check(
            smallestArea > 0 && smallestArea <= 1, "data.transform.smallestArea", smallestArea,
            "a number above 0 and at most 1")
        try color.validate()
        try check(
            mean.count == 3 && mean.allSatisfy { $0.isFinite }, "data.transform.mean", mean,
            "three finite numbers")
        try check(
            standardDeviation.count == 3 && standardDeviation.allSatisfy { $0.isFinite && $0 > 0 },
            "data.transform.standardDeviation", standardDeviation, "three finite numbers above 0")
    }
}
