package import Memory

/// Extra network output of an image beyond its feature and logits; capturing it takes further
/// passes through the network.
///
/// An image's values depend on that image alone, to the bit. Scores and settings with the same
/// `key` share captured values.
package protocol NetworkProbe: Sendable {
    /// Identifies the probe within one evaluation.
    var key: String { get }

    /// The captured values, shape `[input.count, W]`.
    ///
    /// - Parameters:
    ///   - images: Shape `[input.count, H, W, 3]`, normalised; one microbatch at most.
    ///   - input: Features and logits of these images.
    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float]
}
