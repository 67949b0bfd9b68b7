public import Checkpoints
internal import Datasets
public import Kernels
public import Networks
public import RunConfiguration

extension RunConfiguration {
    /// The paths of the convolutions, for a checkpoint that is made without a training step.
    ///
    /// - Throws: If they are to be measured, which only a job can.
    public func statedConvolutions() throws(ConfigurationError) -> ConvolutionChoices {
        guard let choices = compute.convolution.choices else {
            throw ConfigurationError(
                key: "compute.convolution", found: compute.convolution.rawValue,
                expected: "one of shape, winograd, tiled, library for a run that begins from imported weights"
            )
        }
        return choices
    }

    /// A snapshot of `classifier` from which the run goes on as if it had been there at its first step: no momentum yet.
    ///
    /// - Throws: If the training set cannot be opened, has labels without a class, or the classifier is another than the configuration's.
    public func startingPoint(_ classifier: Classifier, path: String) throws -> Checkpoint {
        let training = try PackedDataset(path: data.train)
        try ClassAgreement(classes: network.classes, training: training.manifest).check(training)
        let momentum = classifier.parameters.entries.filter { $0.role == .parameter }.map {
            Checkpoint.Tensor(
                name: $0.name, shape: $0.shape, elements: [Float](repeating: 0, count: $0.count))
        }
        let checkpoint = Checkpoint(
            classifier, momentum: momentum, position: TrainingPosition(), configuration: yaml,
            dataFingerprint: training.fingerprint)
        try checkpoint.check(fits: self, path: path)
        return checkpoint
    }
}
