import TestSupport
import Testing
import Training

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
