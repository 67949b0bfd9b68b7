/// Selects the algorithm of each convolution of a network.
///
/// Algorithms round differently, so the selection is part of the mathematics: a run keeps it from
/// beginning to end.
package enum AlgorithmSelection: Codable, Equatable, Sendable {
    /// The first of `Convolution.algorithms(for:)`; depends on nothing but the shape.
    case shape
    /// One algorithm for every shape that it supports; other shapes as with `shape`.
    case fixed(algorithm: ConvolutionAlgorithm)
    /// `Convolution.mixedAlgorithm(for:)` in training and `shape` otherwise; depends on nothing but
    /// the shape.
    case mixed
    /// The algorithms that autotuning chose, one entry per shape.
    case autotuned(algorithms: [Entry])

    /// The algorithm of one shape.
    package struct Entry: Codable, Equatable, Sendable {
        package let shape: ConvolutionShape
        package let algorithm: ConvolutionAlgorithm

        package init(shape: ConvolutionShape, algorithm: ConvolutionAlgorithm) {
            self.shape = shape
            self.algorithm = algorithm
        }
    }

    /// `shape`, `mixed`, `autotune` or the fixed algorithm's name.
    package var name: String {
        switch self {
        case .shape: "shape"
        case .mixed: "mixed"
        case .fixed(let algorithm): algorithm.rawValue
        case .autotuned: "autotune"
        }
    }

    /// The selection for evaluation, which is in single precision.
    package var ofEvaluation: AlgorithmSelection { self == .mixed ? .shape : self }

    /// The algorithm for `shape`.
    ///
    /// - Precondition: `canCompute([shape])`.
    package func algorithm(for shape: ConvolutionShape) -> ConvolutionAlgorithm {
        let known = Convolution.algorithms(for: shape)
        switch self {
        case .shape: return known[0]
        case .mixed: return Convolution.mixedAlgorithm(for: shape)
        case .fixed(let algorithm): return known.contains(algorithm) ? algorithm : known[0]
        case .autotuned(let algorithms):
            guard let entry = algorithms.first(where: { $0.shape == shape }) else {
                preconditionFailure("autotuning has chosen no algorithm for \(shape)")
            }
            return entry.algorithm
        }
    }

    /// A remark that the bits depend on the BLAS library and on the core whose kernels it uses;
    /// `nil` if they do not.
    ///
    /// - Precondition: `canCompute(shapes)`.
    package func libraryRemark(for shapes: [ConvolutionShape]) -> String? {
        guard shapes.contains(where: { algorithm(for: $0) == .library }) else { return nil }
        return
            "convolutions use the BLAS library, core \(libraryCoreName()): another core or version of it rounds differently"
    }

    /// Whether each of `shapes` has an algorithm that can compute it.
    package func canCompute(_ shapes: [ConvolutionShape]) -> Bool {
        guard case .autotuned(let algorithms) = self else { return true }
        return shapes.allSatisfy { shape in
            guard let entry = algorithms.first(where: { $0.shape == shape }) else { return false }
            return Convolution.algorithms(for: shape).contains(entry.algorithm)
        }
    }
}
