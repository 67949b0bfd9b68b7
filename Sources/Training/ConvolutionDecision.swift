internal import Checkpoints
internal import Foundation
internal import Kernels
internal import Networks
internal import RunConfiguration

/// Which paths a run's convolutions take, and what was measured to choose them.
struct ConvolutionDecision: Codable {
    let choices: ConvolutionChoices
    /// `nil` where nothing was measured.
    let report: ConvolutionReport?

    /// What the checkpoint keeps, else what the configuration says, by measurement if it says so.
    init(
        _ configuration: RunConfiguration, _ setup: TrainingSetup,
        measure: ([ConvolutionShape]) -> [ConvolutionMeasurement]
    ) {
        if let kept = setup.keptConvolutions ?? configuration.compute.convolution.choices {
            choices = kept
            report = nil
            return
        }
        let start = ContinuousClock.now
        let measurements = measure(setup.network.convolutionShapes.withoutRepeats)
        choices = .measured(paths: measurements.map { .init(shape: $0.shape, path: $0.path) })
        report = ConvolutionReport(
            measurements: measurements, seconds: (ContinuousClock.now - start).seconds)
    }
}

extension ConvolutionDecision {
    /// As rank 0 sends it.
    func message() throws -> [UInt8] { Array(try JSONEncoder().encode(self)) }

    init(message: [UInt8]) throws { self = try JSONDecoder().decode(Self.self, from: Data(message)) }
}

extension [ConvolutionShape] {
    /// Each shape once, where it comes first.
    fileprivate var withoutRepeats: [ConvolutionShape] {
        var seen: Set<ConvolutionShape> = []
        return filter { seen.insert($0).inserted }
    }
}
