internal import Foundation

/// The learning rate of each update: a cosine from the first to the smallest, without warm-up or restart.
///
/// Loshchilov, Hutter: "SGDR: Stochastic gradient descent with warm restarts", arXiv 1608.03983, equation 5, per update
/// as OpenOOD has it: `η(s) = η₀ (m + (1 − m) ½ (1 + cos(π s / T)))` with `m = η_min / η₀`.
public struct LearningRateSchedule: Equatable, Sendable {
    /// η₀.
    public let initial: Double
    /// η(T), which the last update, number T − 1, does not quite reach.
    public let minimum: Double
    /// T, the updates of the whole run.
    public let stepCount: Int

    public init(initial: Double, minimum: Double, stepCount: Int) {
        precondition(initial > 0 && stepCount >= 1, "a learning rate of \(initial) for \(stepCount) updates")
        self.initial = initial
        self.minimum = minimum
        self.stepCount = stepCount
    }

    /// The learning rate of update `step`, counted from 0.
    public func rate(step: Int) -> Double {
        let floor = minimum / initial
        return initial
            * (floor + (1 - floor) * 0.5 * (1 + cos(.pi * Double(step) / Double(stepCount))))
    }
}
