package import RunConfiguration

/// The exponential moving average of the weights, `θ̄ ← θ̄ + (1 − d) (θ − θ̄)`, after every n-th update
/// of a run.
///
/// It starts as a copy of the weights after update n, as PyTorch's `AveragedModel`. Running
/// statistics of batch normalisation are averaged likewise (`use_buffers=True` there).
package struct WeightAverage: Equatable, Sendable {
    /// d.
    package let decay: Double
    /// n.
    package let every: Int

    package init(decay: Double, every: Int = 1) {
        self.decay = decay
        self.every = every
    }

    /// `nil` if the configuration has no average.
    package init?(_ configuration: EMAConfiguration) {
        guard configuration.decay > 0 else { return nil }
        self.init(decay: configuration.decay, every: configuration.every)
    }

    /// The share of the weights in the average after update `number`, counted from 1; 0 for none.
    package func share(afterUpdate number: Int) -> Float {
        guard number.isMultiple(of: every) else { return 0 }
        return number == every ? 1 : Float(1 - decay)
    }
}
