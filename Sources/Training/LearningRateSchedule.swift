internal import Numerics

/// The learning rate of each update: a cosine from the initial to the minimum rate, without
/// restarts, optionally after a warm-up.
///
/// Loshchilov, Hutter: "SGDR: Stochastic gradient descent with warm restarts", arXiv 1608.03983,
/// equation 5, per update or, as in OpenOOD, per epoch:
/// `η(s) = η₀ (m + (1 − m) ½ (1 + cos(π s / T)))` with `m = η_min / η₀`. A warm-up of `w` updates
/// is linear from `η_w` to `η(w)`. OpenOOD's contrastive trainers begin it an epoch too early, with
/// rates below 0; this is not reproduced.
package struct LearningRateSchedule: Equatable, Sendable {
    /// η₀.
    package let initial: Double
    /// η(T), which the last update, number T − 1, does not quite reach.
    package let minimum: Double
    /// T, the updates of the whole run.
    package let stepCount: Int
    /// Updates with the same learning rate: 1, or those of an epoch.
    package let stepsPerLevel: Int
    /// w, the updates of the warm-up; below T.
    package let warmUpSteps: Int
    /// η_w, the rate of the first update of a warm-up.
    package let warmUpRate: Double

    package init(
        initial: Double, minimum: Double, stepCount: Int, stepsPerLevel: Int = 1, warmUpSteps: Int = 0,
        warmUpRate: Double = 0
    ) {
        precondition(initial > 0 && stepCount >= 1, "a learning rate of \(initial) for \(stepCount) updates")
        precondition(
            stepsPerLevel >= 1 && (0..<stepCount).contains(warmUpSteps),
            "\(stepsPerLevel) updates a level and a warm-up of \(warmUpSteps) of \(stepCount) updates")
        self.initial = initial
        self.minimum = minimum
        self.stepCount = stepCount
        self.stepsPerLevel = stepsPerLevel
        self.warmUpSteps = warmUpSteps
        self.warmUpRate = warmUpRate
    }

    /// The learning rate of update `step`, counted from 0.
    package func rate(step: Int) -> Double {
        guard step < warmUpSteps else { return cosine(step) }
        let share = Double(step) / Double(warmUpSteps)
        return warmUpRate + share * (cosine(warmUpSteps) - warmUpRate)
    }

    private func cosine(_ step: Int) -> Double {
        let floor = minimum / initial
        let level = step / stepsPerLevel * stepsPerLevel
        return initial
            * (floor + (1 - floor) * 0.5 * (1 + Numerics.cosine(.pi * Double(level) / Double(stepCount))))
    }
}
