internal import Checkpoints
internal import Kernels
internal import Networks
internal import RunConfiguration

/// The algorithms of a run's convolutions, and the measurements by which they were chosen.
struct ConvolutionDecision: Codable {
    let selection: AlgorithmSelection
    /// `nil` if nothing was measured.
    let report: ConvolutionReport?

    /// Takes the checkpoint's selection if there is one, otherwise the configured one, which
    /// `autotune` measures.
    init(
        _ configuration: RunConfiguration, _ setup: TrainingSetup,
        measure: ([ConvolutionShape]) -> [ConvolutionMeasurement]
    ) {
        if let kept = setup.keptConvolutions ?? configuration.compute.selection {
            selection = kept
            report = nil
            return
        }
        let start = ContinuousClock.now
        let measurements = measure(
            setup.network.convolutionShapes(imageSize: configuration.data.transform.size).withoutRepeats)
        selection = .autotuned(
            algorithms: measurements.map { .init(shape: $0.shape, algorithm: $0.algorithm) })
        report = ConvolutionReport(
            measurements: measurements, seconds: (ContinuousClock.now - start).seconds)
    }
}

extension [ConvolutionShape] {
    /// Each shape once, in the order of first occurrence.
    fileprivate var withoutRepeats: [ConvolutionShape] {
        var seen: Set<ConvolutionShape> = []
        return filter { seen.insert($0).inserted }
    }
}
