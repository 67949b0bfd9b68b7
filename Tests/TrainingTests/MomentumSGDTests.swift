import Kernels
import Memory
import Networks
import TestSupport
import Testing
import Training
import Workers

@Suite(.timeLimit(.minutes(30)))
struct MomentumSGDTests {
    @Test(arguments: [1, 2])
    func threeStepsFollowThePlainTwin(threads: Int) {
        let store = Classifier(.resnet20, head: .linear, classes: 10).parameters
        store.initialize(seed: 5)
        var weights = store.values.copyToArray().doubles
        var velocity: [Double] = []
        var optimizer = MomentumSGD(
            momentum: 0.9, weightDecay: 5e-4, usesNesterov: true, parameterCount: store.parameterCount)
        let pool = WorkerPool(threads: threads)
        for step in 0..<3 {
            let gradient = testValues(count: store.parameterCount, stream: step)
            store.gradients = Buffer(gradient, default: 0)
            optimizer.update(store, learningRate: 0.05, on: pool)
            plainMomentumStep(&weights, gradient: gradient.doubles, velocity: &velocity, rate: 0.05)
        }
        #expect(relativeError(store.values.copyToArray(), weights) < 1e-6)
        #expect(relativeError(optimizer.velocity.copyToArray(), velocity) < 1e-6)
    }

    @Test func withoutNesterovTheVelocityIsTheDirection() {
        let store = Classifier(.resnet20, head: .linear, classes: 10).parameters
        store.gradients = Buffer(count: store.parameterCount, repeating: 1)
        var optimizer = MomentumSGD(
            momentum: 0.5, weightDecay: 0, usesNesterov: false, parameterCount: store.parameterCount)
        let pool = WorkerPool(threads: 1)
        optimizer.update(store, learningRate: 1, on: pool)
        optimizer.update(store, learningRate: 1, on: pool)
        #expect(store.values.copyToArray().allSatisfy { $0 == -2.5 })
    }
}
