import Foundation
import Kernels
import Networks
import Numerics
import Reporting
import Training

/// Shows a run on standard output: a live bar on a terminal, a plain line every ten seconds in a
/// log.
final class TrainingDisplay {
    private var plan: TrainingPlan?
    private var progress = ProgressLine(isLog: true)
    private var recentSteps: [(time: ContinuousClock.Instant, step: Int)] = []
    private let clock = ContinuousClock()

    func show(_ event: TrainingEvent) {
        switch event {
        case .notice(let text): progress.printLine("note: \(text)")
        case .started(let plan):
            self.plan = plan
            progress.printLine(describe(plan))
            progress.printLine("threads: \(plan.threadChoice)")
        case .convolutions(let report):
            for line in describe(report) { progress.printLine(line) }
        case .step(let report): showStep(report)
        case .epoch(let report): progress.printLine(describe(report))
        case .checkpoint(let report): progress.printLine(describe(report))
        case .stopped(let step, let reason):
            progress.printLine(
                "stopped after step \(step) as \(reason) asked; run the same command again to go on")
        case .reachedStop(let step):
            progress.printLine(
                "stopped after step \(step), as training.stopAfterSteps says; raise it, or set it to 0, to go on"
            )
        case .alreadyFinished(let step, let epochs):
            progress.printLine(
                """
                this run is finished: \(epochs) of \(epochs) epochs, \(step) steps; there is nothing to do. Choose another name, begin anew with --resume \
                none, or train longer with a larger training.epochs and --allow-change training.epochs
                """)
        }
    }

    /// Prints the run directory.
    func finish() {
        if let plan { progress.printLine("run directory: \(plan.runDirectory)") }
    }

    private func showStep(_ report: StepReport) {
        guard let plan else { return }
        let now = clock.now
        recentSteps.append((now, report.step))
        if recentSteps.count > 50 { recentSteps.removeFirst() }
        let total = plan.stepsPerEpoch * plan.epochs
        var fields = [
            "epoch \(report.epoch)/\(plan.epochs)", "step \(report.stepInEpoch)/\(plan.stepsPerEpoch)",
            "loss \(decimal(report.loss, 4))", "accuracy \(percent(report.accuracy, 1))",
        ]
        var remaining: Double?
        if let first = recentSteps.first, report.step > first.step {
            let seconds = (now - first.time).inSeconds / Double(report.step - first.step)
            fields.append("\(decimal(Double(plan.batchSize) / seconds, 0)) img/s")
            remaining = seconds * Double(total - report.step)
        }
        progress.update(fraction: Double(report.step) / Double(total), remaining: remaining, fields)
    }

    private func describe(_ plan: TrainingPlan) -> String {
        let start =
            plan.resumedFrom.map { "going on from \($0) at step \(plan.firstStep)" } ?? "starting anew"
        let ranks = plan.worldSize == 1 ? "1 rank" : "\(plan.worldSize) ranks"
        let accumulation =
            plan.accumulationSteps > 1 ? ", \(plan.accumulationSteps) accumulation steps" : ""
        let threads = plan.threads == 1 ? "1 thread" : "\(plan.threads) threads"
        return """
            \(plan.network), \(plan.parameterCount) parameters; \(plan.sampleCount) images, batch \(plan.batchSize), \
            \(plan.epochs) epochs of \(plan.stepsPerEpoch) steps; \(ranks) with \(threads) and \
            \(decimal(Double(plan.memoryByteCount) / 1e9, 2)) GB each\(accumulation); \(start)
            """
    }

    /// A heading, then one line per convolution.
    private func describe(_ report: ConvolutionReport) -> [String] {
        [
            """
            measured the algorithms of \(report.measurements.count) convolutions in \(decimal(report.seconds, 2)) s; all three \
            passes on one thread, in GFLOP/s of direct convolution:
            """
        ]
            + report.measurements.map { measurement in
                let shape = measurement.shape
                let rates = measurement.candidates.map { candidate in
                    let rate = 6e-9 * Double(shape.multiplyAccumulates) / candidate.secondsPerImage
                    return "\(candidate.algorithm.rawValue) \(decimal(rate, 0))"
                }
                return """
                      \(describe(shape)): \(measurement.algorithm.rawValue), relative error \
                    \(decimal(1e6 * measurement.relativeError, 2))e-6 (\(rates.joined(separator: ", ")))
                    """
            }
    }

    private func describe(_ shape: ConvolutionShape) -> String {
        let stride = shape.stride == 1 ? "" : ", stride \(shape.stride)"
        return """
            \(shape.channels) → \(shape.outputChannels), \(shape.kernel)×\(shape.kernel)\(stride) at \
            \(shape.height)×\(shape.width)
            """
    }

    private func describe(_ report: CheckpointReport) -> String {
        """
        checkpoint \(report.path)\(report.isBest ? best : ""): \(decimal(Double(report.byteCount) / 1e6, 1)) MB, \
        held training for \(decimal(report.stallSeconds, 3)) s, written in \(decimal(report.writeSeconds, 2)) s
        """
    }

    /// A remark on a checkpoint that is also written as `best.h5`.
    private var best: String {
        plan.map { $0.hasClassifier && $0.hasValidation } ?? true
            ? ", the best model so far" : ", also as best.h5 (there is no accuracy to choose by)"
    }

    private func describe(_ report: EpochReport) -> String {
        let share = { (phase: Phase) in decimal(100 * (report.shares[phase.rawValue] ?? 0), 1) }
        let ranks = (plan?.worldSize ?? 1) > 1 ? ", for other ranks \(share(.wait)) %" : ""
        let validation =
            plan?.hasValidation ?? true
            ? ", validation accuracy \(percent(report.validationAccuracy, 2))" : ""
        return """
            epoch \(report.epoch): loss \(decimal(report.loss, 4)), training accuracy \
            \(percent(report.accuracy, 2))\(validation), \
            \(decimal(report.imagesPerSecond, 1)) img/s, \(duration(report.seconds)), waiting for data \
            \(share(.data)) %\(ranks)
            """
    }
}
