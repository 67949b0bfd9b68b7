internal import Kernels

/// The algorithms of convolutions in passes of each kind.
struct PassSelection {
    let training: AlgorithmSelection
    /// For passes with running statistics.
    let evaluation: AlgorithmSelection

    /// How training passes store the maps that convolutions and sums write.
    var trainingStorage: MapStorage { training == .mixed ? .bfloat16 : .float32 }
}
