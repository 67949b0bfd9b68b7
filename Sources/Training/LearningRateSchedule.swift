internal import Numerics

/// The learning rate of each update: a warm-up, then a fall of some shape to the end of the run.
///
/// A warm-up of `w` updates is linear from `η_w` to the shape's value at update `w`; that of one
/// cycle is half a cosine. OpenOOD's contrastive trainers begin it an epoch too early, with rates
/// below 0; this is not reproduced.
package struct LearningRateSchedule: Equatable, Sendable {
    /// How the rate falls, per update or, with levels, per epoch.
    package enum Shape: Equatable, Sendable {
        /// Half a cosine over the whole run, which a warm-up covers the beginning of:
        /// `η(s) = η₀ (m + (1 − m) ½ (1 + cos(π s / T)))` with `m = η_min / η₀`. Loshchilov,
        /// Hutter: "SGDR: Stochastic gradient descent with warm restarts", arXiv 1608.03983,
        /// equation 5, without restarts.
        case cosine
        /// `η(s) = η_min + (η₀ − η_min) (1 − (s − w) / (T − w))ᵖ`; a line for p = 1.
        case polynomial(power: Double)
        /// `η₀` times the factor for each of these updates that has been reached.
        case multiStep(milestones: [Int], factor: Double)
        /// Half a cosine from η₀ at the end of the warm-up to η_min. Smith, Topin:
        /// "Super-convergence", arXiv 1708.07120, in PyTorch's form of two phases.
        case oneCycle
        /// η₀.
        case constant
    }

    package let shape: Shape
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
        _ shape: Shape = .cosine, initial: Double, minimum: Double, stepCount: Int, stepsPerLevel: Int = 1,
        warmUpSteps: Int = 0, warmUpRate: Double = 0
    ) {
        precondition(initial > 0 && stepCount >= 1, "a learning rate of \(initial) for \(stepCount) updates")
        precondition(
            stepsPerLevel >= 1 && (0..<stepCount).contains(warmUpSteps),
            "\(stepsPerLevel) updates a level and a warm-up of \(warmUpSteps) of \(stepCount) updates")
        self.shape = shape
        self.initial = initial
        self.minimum = minimum
        self.stepCount = stepCount
        self.stepsPerLevel = stepsPerLevel
        self.warmUpSteps = warmUpSteps
        self.warmUpRate = warmUpRate
    }

    /// The learning rate of update `step`, counted from 0.
    package func rate(step: Int) -> Double {
        guard step < warmUpSteps else { return fallingRate(step) }
        let share = Double(step) / Double(warmUpSteps)
        let rise = shape == .oneCycle ? 1 - Self.halfCosine(share) : share
        return warmUpRate + rise * (fallingRate(warmUpSteps) - warmUpRate)
    }

    private func fallingRate(_ step: Int) -> Double {
        let level = step / stepsPerLevel * stepsPerLevel
        let share = Double(max(level - warmUpSteps, 0)) / Double(stepCount - warmUpSteps)
        switch shape {
        case .cosine:
            let floor = minimum / initial
            return initial
                * (floor + (1 - floor) * 0.5
                    * (1 + Numerics.cosine(.pi * Double(level) / Double(stepCount))))
        case .polynomial(let power):
            return minimum + (initial - minimum) * Numerics.power(1 - share, power)
        case .multiStep(let milestones, let factor):
            return milestones.prefix { $0 <= level }.reduce(initial) { rate, _ in rate * factor }
        case .oneCycle: return minimum + (initial - minimum) * Self.halfCosine(share)
        case .constant: return initial
        }
    }

    /// From 1 for 0 to 0 for 1.
    private static func halfCosine(_ share: Double) -> Double {
        0.5 * (1 + Numerics.cosine(.pi * share))
    }
}
