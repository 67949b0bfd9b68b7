import Kernels
import Memory
import Networks
import TestSupport
import Testing
import Training
import Workers

/// Twenty steps from PyTorch's start on PyTorch's batches.
///
/// PyTorch's own losses in float32 and float64 differ by less than 2e-4 over these steps.
@Suite(.slow, .timeLimit(.minutes(30)))
struct DescentTests {
    private static let tolerance = 1e-3

    @Test(arguments: [
        (NetworkName.resnet20, "resnet20", "t2fnorm"), (.resnet20, "resnet20", "linear"),
        (.resnet18At32, "resnet18", "t2fnorm"),
    ])
    func lossesFollowPyTorchs(name: NetworkName, fixture: String, head: String) throws {
        let start = try PyTorchFixture(named: fixture)
        let run = try #require(try PyTorchDescent(named: fixture).descents.first { $0.head == head })
        let model = Self.model(name, head: head, start)
        var optimizer = Optimizer(
            MomentumSGD(momentum: Float(run.momentum), usesNesterov: true),
            weightDecay: Float(run.weightDecay), of: model.parameters)
        let schedule = LearningRateSchedule(
            initial: run.learningRate, minimum: run.minimumLearningRate, stepCount: run.totalSteps)
        let pool = WorkerPool(threads: 2)
        let training = StepContext(
            BatchPlacement(sampleCount: run.batchSize, microbatchSize: run.batchSize / 4), mode: .training,
            pool: pool)
        #expect(run.losses.count == 20)
        for (step, expected) in run.losses.enumerated() {
            let report = try model.differentiate(
                images: Buffer(run.images(ofStep: step, scale: start.imageScale), default: 0),
                labels: run.labels(ofStep: step), training)
            let sum = stride(from: 0, to: report.values.count, by: 2).reduce(0) { $0 + report.values[$1] }
            #expect(abs(sum / Double(run.batchSize) - expected) < Self.tolerance, "step \(step)")
            optimizer.update(
                model.parameters, number: step + 1, learningRate: schedule.rate(step: step), on: pool)
        }
    }

    private static func model(_ name: NetworkName, head: String, _ start: PyTorchFixture) -> Classifier {
        let kind: HeadKind = head == "linear" ? .linear : .t2fnorm(temperature: start.temperature)
        let model = Classifier(name, head: kind, classes: 10)
        for (index, entry) in model.parameters.entries.enumerated() where entry.role != .batchCount {
            model.parameters.setElements(of: entry, to: start.values(ofEntry: index))
        }
        return model
    }
}
