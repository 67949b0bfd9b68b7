/// The exponential moving average of the weights and of batch normalisation's running statistics,
/// with which a run is validated and its best model written.
package struct EMAConfiguration: Codable, Equatable, Sendable {
    /// The fraction of the average that an update keeps, below 1; 0 for no average.
    package var decay = 0.0
    /// Training updates between two updates of the average.
    package var every = 1

    package init() {}

    func validate() throws(ConfigurationError) {
        try check(
            decay >= 0 && decay < 1, "optimizer.ema.decay", decay,
            "a number above 0 and below 1, or 0 for no average")
        try check(
            (1...1_000_000).contains(every), "optimizer.ema.every", every,
            "a number of updates from 1 to 1000000")
    }
}
