internal import Kernels

/// What the layers share: small things that are needed for one layer at a time, and stand-ins.
final class Workspace {
    /// Coefficients of a normalisation whose statistics are known.
    var coefficients = Buffer<Float>(zeros: 0)
    /// Stands for sums that are not made.
    var noSums = Buffer<Double>(zeros: 0)
    /// Stands for a tensor that is not there.
    let none = Buffer<Float>(zeros: 0)
}
