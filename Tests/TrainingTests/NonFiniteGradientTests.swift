import Cluster
import Failures
import Kernels
import Memory
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training
import Workers

@Suite(.timeLimit(.minutes(30)))
struct NonFiniteGradientTests {
    @Test func elementsAreCountedInTheFirstTensorThatHasThem() throws {
        let model = Classifier(.resnet20, head: .linear, classes: 10, convolutions: .shape)
        let (first, second) = (model.parameters.trainedEntries[3], model.parameters.trainedEntries[9])
        let pool = WorkerPool(threads: 2)
        withSpans(into: &model.parameters.gradients, count: model.parameters.parameterCount) {
            $0[first.range.lowerBound] = .greatestFiniteMagnitude
        }
        #expect(NonFiniteGradient.first(in: model.parameters, on: pool) == nil)
        withSpans(into: &model.parameters.gradients) {
            $0[second.range.lowerBound] = .nan
            $0[first.range.lowerBound + 7] = -.infinity
            $0[first.range.upperBound - 1] = .nan
        }
        #expect(
            NonFiniteGradient.first(in: model.parameters, on: pool)
                == NonFiniteGradient(name: first.name, count: 2, elements: first.range.count))
    }

    /// A finite loss with a gradient that overflows on its way through batch norms of tiny inputs.
    @Test func aStepWithoutAFiniteGradientUpdatesNothing() throws {
        try SmallRun.with { run in
            var run = run
            run.configuration.head.name = .t2fnorm
            run.configuration.head.temperature = 1e-35
            run.configuration.data.transform.standardDeviation = [1e10, 1e10, 1e10]
            let failure = try #require(throws: JobFailure.self) { try run.train(ranks: 2) }
            #expect(failure.exitCode == ExitCode.numeric)
            #expect(
                failure.message.hasPrefix(
                    "432 of 432 elements of the gradient of 'conv1.weight' are NaN or infinite at step 1 of epoch 1"
                ),
                "\(failure.message)")
            #expect(try run.checkpoint() == nil)
        }
    }
}
