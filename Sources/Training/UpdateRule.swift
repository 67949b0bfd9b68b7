internal import Checkpoints
internal import Memory
package import Networks
package import Workers

/// How an optimiser changes parameters, given their gradients.
///
/// A new rule is a file with its formula and a line in `UpdateRule+Catalogue.swift`.
package protocol UpdateRule: Sendable {
    /// The values that the rule keeps for each parameter, at most two; they begin at 0.
    var slots: [String] { get }

    /// The kinds of parameters that have no weight decay unless the configuration names others.
    var undecayedKinds: Set<TensorEntry.Kind> { get }

    /// Updates a part of one tensor.
    ///
    /// - Parameters:
    ///   - values: Parameters, overwritten.
    ///   - gradient: As many elements.
    ///   - first: The values of the first slot, as many elements; empty if there is none.
    ///   - second: The same for the second slot.
    func update(
        _ values: inout MutableSpan<Float>, gradient: Span<Float>, _ first: inout MutableSpan<Float>,
        _ second: inout MutableSpan<Float>, _ step: UpdateStep)

    /// The factor of each tensor's learning rate.
    ///
    /// - Parameters:
    ///   - values: All parameters.
    ///   - gradients: All gradients.
    func rateFactors(
        of tensors: [UpdatedTensor], values: Span<Float>, gradients: Span<Float>, on pool: WorkerPool
    ) -> [Double]
}

extension UpdateRule {
    package var undecayedKinds: Set<TensorEntry.Kind> { [] }

    package func rateFactors(
        of tensors: [UpdatedTensor], values: Span<Float>, gradients: Span<Float>, on pool: WorkerPool
    ) -> [Double] {
        [Double](repeating: 1, count: tensors.count)
    }
}

/// What is the same for all elements of a tensor in one update.
package struct UpdateStep: Sendable {
    /// The number of the update in the run, counted from 1.
    package let number: Int
    /// η, times the rule's factor for the tensor.
    package let learningRate: Float
    /// λ; 0 for a tensor without decay.
    package let weightDecay: Float
}

/// A tensor that the optimiser updates.
package struct UpdatedTensor: Sendable {
    /// Its elements in the parameters.
    package let range: Range<Int>
    package let kind: TensorEntry.Kind
    /// λ; 0 for a tensor without decay.
    package let weightDecay: Float
}
