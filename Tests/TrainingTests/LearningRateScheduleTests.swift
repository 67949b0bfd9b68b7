import TestSupport
import Testing
import Training

@Suite(.timeLimit(.minutes(30)))
struct LearningRateScheduleTests {
    /// Values of the published recipe: 0.1 over 39,100 updates.
    @Test(arguments: [
        (0, 0.1), (9775, 0.0853554855), (19_550, 0.0500005), (29_325, 0.0146455145), (39_099, 1.00016139e-6),
    ])
    func followsTheRecipe(step: Int, rate: Double) {
        let schedule = LearningRateSchedule(initial: 0.1, minimum: 1e-6, stepCount: 39_100)
        #expect(abs(schedule.rate(step: step) - rate) < 1e-9 * max(rate, 0.1))
        #expect(schedule.rate(step: step) == plainCosineRate(step: step, totalSteps: 39_100, rate: 0.1))
    }
}

/// The recipe of the contrastive methods on CIFAR-10: 98 updates an epoch, 100 epochs, from 0.1 to
/// 0.0001 in steps of an epoch, after ten epochs in which it rises from 0.001.
@Suite(.timeLimit(.minutes(30)))
struct WarmUpTests {
    private let schedule = LearningRateSchedule(
        initial: 0.1, minimum: 1e-4, stepCount: 9800, stepsPerLevel: 98, warmUpSteps: 980, warmUpRate: 0.001)

    /// Values by Python: target 0.0001 + 0.0999 · ½ (1 + cos(0.1 π)) = 0.09755527; the last epoch's
    /// 0.00012465.
    @Test(arguments: [
        (0, 0.001), (1, 0.0010985258), (490, 0.0492776365), (979, 0.0974567472), (980, 0.0975552730),
        (1077, 0.0975552730), (1078, 0.0970469944), (9799, 0.0001246473),
    ])
    func risesToTheCosineOfItsEndAndFallsByEpochs(step: Int, rate: Double) {
        #expect(abs(schedule.rate(step: step) - rate) < 1e-9)
    }

    @Test func neverFallsBelowZeroOrWhileItWarmsUp() {
        let rates = (0..<9800).map { schedule.rate(step: $0) }
        #expect(rates.allSatisfy { $0 > 0 })
        #expect(zip(rates.prefix(980), rates.dropFirst()).allSatisfy { $0 < $1 })
        #expect(Set(rates.dropFirst(980)).count == 90)
    }
}
