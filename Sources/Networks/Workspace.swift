internal import Memory

/// Small buffers that all layers share, each needed for one layer at a time, and placeholders.
final class Workspace {
    /// Coefficients of a normalisation with running statistics.
    var coefficients = Buffer<Float>(zeros: 0)
    /// Placeholder for sums that are not computed.
    var noSums = Buffer<Double>(zeros: 0)
    /// Placeholder for an absent tensor.
    let none = Buffer<Float>(zeros: 0)
}
