internal import Kernels

/// The algorithms of convolutions in passes of each kind.
struct PassSelection {
    let training: AlgorithmSelection
    /// For passes with running statistics.
    let evaluation: AlgorithmSelection
}
