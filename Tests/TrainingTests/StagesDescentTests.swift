import Kernels
import Memory
import Networks
import TestSupport
import Testing
import Training
import Workers

/// Twenty steps as PyTorch makes them, with frozen parts, scales that begin at 0, or images of two
/// sizes.
///
/// PyTorch's own losses in float32 and float64 differ by less than 5e-5 over these steps.
@Suite(.slow, .timeLimit(.minutes(30)))
struct StagesDescentTests {
    @Test(arguments: 0..<4) func lossesFollowPyTorchs(index: Int) throws {
        let start = try PyTorchFixture(named: "resnet20")
        let run = try PyTorchStages(named: "resnet20").runs[index]
        let model = Classifier(
            .resnet20, head: .t2fnorm(temperature: start.temperature), classes: 10, imageSize: run.sizes[0])
        for (index, entry) in model.parameters.entries.enumerated() where entry.role != .batchCount {
            model.parameters.setElements(of: entry, to: start.values(ofEntry: index))
        }
        if run.zeroesScales { #expect(model.zeroResidualScales() == 9) }
        if run.frozen != "none" {
            #expect(model.train(only: ["layer3", "head"], fixesStatistics: run.frozen == "fixed").isEmpty)
        }
        var optimizer = Optimizer(
            MomentumSGD(momentum: Float(run.momentum), usesNesterov: true),
            weightDecay: Float(run.weightDecay), of: model.parameters)
        let schedule = LearningRateSchedule(
            initial: run.learningRate, minimum: run.minimumLearningRate, stepCount: run.totalSteps)
        let pool = WorkerPool(threads: 2)
        let placement = BatchPlacement(sampleCount: run.batchSize, microbatchSize: run.batchSize / 4)
        let training = StepContext(placement, mode: .training, pool: pool)
        for (step, expected) in run.losses.enumerated() {
            model.use(imageSize: run.sizes[step * run.sizes.count / run.losses.count])
            let report = try model.differentiate(
                images: Buffer(
                    images(run, batch: step % run.batches, size: model.imageSize, start), default: 0),
                labels: testLabels(
                    count: run.batchSize, classes: 10, stream: run.labelStream + step % run.batches),
                training)
            let sum = stride(from: 0, to: report.values.count, by: 2).reduce(0) { $0 + report.values[$1] }
            #expect(abs(sum / Double(run.batchSize) - expected) < 1e-3, "step \(step)")
            optimizer.update(
                model.parameters, number: step + 1, learningRate: schedule.rate(step: step), on: pool)
        }
        let size = model.imageSize
        let last = images(run, batch: 0, size: size, start)
        var flipped: [Float] = []
        for row in stride(from: 0, to: last.count, by: 3 * size) {
            for x in (0..<size).reversed() { flipped += last[row + 3 * x..<row + 3 * x + 3] }
        }
        let evaluation = StepContext(placement, mode: .evaluation, pool: pool)
        let own = try [last, flipped].map {
            try model.forward(images: Buffer($0, default: 0), evaluation).logits
        }
        #expect(relativeError(zip(own[0], own[1]).map { $0 + $1 }, run.flippedLogits) < 5e-3)
    }

    private func images(_ run: PyTorchStages.Run, batch: Int, size: Int, _ start: PyTorchFixture) -> [Float] {
        testValues(
            count: run.batchSize * size * size * 3, stream: run.imageStream + batch, scale: start.imageScale)
    }
}
