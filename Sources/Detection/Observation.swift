public import Kernels

/// Numbers of an image that its feature does not hold: the network is gone through for them once more.
///
/// An image's numbers depend on that image alone, to the bit. Scores and settings of one `key` share what was observed.
public protocol Observation: Sendable {
    /// What tells it from others in one evaluation.
    var key: String { get }

    /// Shape `[input.count, W]`.
    ///
    /// - Parameters:
    ///   - images: Shape `[input.count, H, W, 3]`, normalised; one lane at most.
    ///   - input: Features and logits of these images.
    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float]
}
