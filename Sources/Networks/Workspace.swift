internal import Kernels

/// Memory that the layers share: what is needed for one layer at a time.
final class Workspace {
    /// Packed or transformed weights.
    var panels = Buffer<Float>(zeros: 0)
    /// Weight gradients, one a lane.
    var lanes = Buffer<Float>(zeros: 0)
    /// Gradients between the units of a block.
    var inner = Buffer<Float>(zeros: 0)
    var nextInner = Buffer<Float>(zeros: 0)
    /// Gradient of a block's input.
    var outer = Buffer<Float>(zeros: 0)
    /// Gradient of a shortcut's input.
    var shortcut = Buffer<Float>(zeros: 0)
    /// Coefficients of a normalisation whose statistics are known.
    var coefficients = Buffer<Float>(zeros: 0)
    /// Stands for sums that are not made.
    var noSums = Buffer<Double>(zeros: 0)
    /// Stands for a tensor that is not there.
    let none = Buffer<Float>(zeros: 0)
}
