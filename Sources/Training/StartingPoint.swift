package import Checkpoints
internal import Datasets
package import Kernels
package import Networks
package import RunConfiguration
internal import Software

extension RunConfiguration {
    /// The algorithms of the convolutions, for a checkpoint that is written without a training
    /// step.
    ///
    /// - Throws: If they are to be measured, which only a training job can do.
    package func statedConvolutions() throws(ConfigurationError) -> AlgorithmSelection {
        guard let selection = compute.convolution.selection else {
            throw ConfigurationError(
                key: "compute.convolution", found: compute.convolution.rawValue,
                expected: "one of shape, winograd, tiled, library for a run that begins from imported weights"
            )
        }
        return selection
    }

    /// A snapshot of `classifier` at step 0, without momentum, from which the run starts.
    ///
    /// - Throws: If the training set cannot be opened or has labels without a class, or if the
    ///   classifier differs from the configuration's.
    package func startingPoint(_ classifier: Classifier, path: String) throws -> Checkpoint {
        let training = try PackedDataset(path: data.train)
        try ClassAgreement(classes: network.classes, training: training.manifest).check(training)
        let momentum = classifier.parameters.entries.filter { $0.role == .parameter }.map {
            Checkpoint.Tensor(
                name: $0.name, shape: $0.shape, elements: [Float](repeating: 0, count: $0.count))
        }
        var checkpoint = Checkpoint(
            classifier, momentum: momentum, position: TrainingPosition(), configuration: yaml,
            dataFingerprint: training.fingerprint)
        checkpoint.software = .current
        try checkpoint.check(fits: self, path: path)
        return checkpoint
    }
}
