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
        guard let selection = compute.selection else {
            throw ConfigurationError(
                key: "compute.convolution", found: compute.convolution.rawValue,
                expected: "one of shape, winograd, tiled, library for a run that begins from imported weights"
            )
        }
        return selection
    }

    /// A snapshot of `classifier` at step 0, with the optimiser's first state, from which the run
    /// starts.
    ///
    /// - Throws: If the training set cannot be opened or has labels without a class, or if the
    ///   classifier differs from the configuration's.
    package func startingPoint(_ classifier: Classifier, path: String) throws -> Checkpoint {
        let training = try PackedDataset(path: data.train)
        try ClassAgreement(classes: network.classes, training: training.manifest).check(training)
        let slots = Optimizer(optimizer, of: classifier.parameters).checkpointSlots(of: classifier.parameters)
        var checkpoint = Checkpoint(
            classifier, slots: slots, position: TrainingPosition(), configuration: yaml,
            dataFingerprint: training.fingerprint)
        checkpoint.software = .current
        try checkpoint.check(fits: self, path: path)
        return checkpoint
    }
}
