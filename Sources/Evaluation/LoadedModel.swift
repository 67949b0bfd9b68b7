package import Checkpoints
package import Cluster
package import Detection
internal import Inference
package import Networks
package import RunConfiguration
package import Training
package import Workers

/// A run's model, ready to score.
package struct LoadedModel {
    /// The checkpoint's file.
    package let path: String
    package let classifier: Classifier
    /// `Checkpoint.weightsHash` of the model that is evaluated.
    package let weightsHash: String
    /// The fingerprint of the training set; empty for an imported model.
    package let trainingFingerprint: String

    /// - Parameter checkpoint: A file below the run's folder, or `latest`.
    package init(_ directory: RunDirectory, _ checkpoint: String, _ configuration: RunConfiguration) throws {
        let path = try directory.checkpointPath(checkpoint)
        try self.init(try CheckpointStore.load(path), path: path, configuration)
    }

    /// - Parameter path: The checkpoint's file.
    package init(_ checkpoint: Checkpoint, path: String, _ configuration: RunConfiguration) throws {
        self.path = path
        try checkpoint.check(fits: configuration, path: path)
        classifier = try checkpoint.makeClassifier(
            path: path, evaluationConvolutions: configuration.evaluation.selection)
        try configuration.checkImageSize(of: classifier.name)
        weightsHash = checkpoint.model.weightsHash
        trainingFingerprint = checkpoint.dataFingerprint
    }

    /// Throws if a score needs logits and the model has none.
    ///
    /// - Parameter key: The option or the parameter that names the scores, for the error.
    package func check(scores: [ScoreDefinition], key: String = "--score") throws(ConfigurationError) {
        guard !classifier.headKind.isClassifier, let score = scores.first(where: { !$0.needsNoClassifier })
        else { return }
        throw ConfigurationError(
            key: key, found: score.title,
            expected: """
                one of \(ScoreCatalogue.standard.ofFeatures.map(\.name).joined(separator: ", ")), which use features alone: \(path) has a \
                projection head and no logits
                """)
    }

    /// Makes the evaluator that scores sets with the model.
    ///
    /// - Parameter members: The other models of an ensemble.
    package func evaluator(
        _ configuration: RunConfiguration, members: [LoadedModel] = [], _ communicator: any Communicator,
        _ pool: WorkerPool
    ) -> Evaluator {
        let pass = ForwardPass(
            classifier: classifier, transform: configuration.evaluationTransform,
            microbatchSize: configuration.training.microbatch, batchSize: configuration.evaluation.batch,
            communicator: communicator, pool: pool, flips: configuration.evaluation.mirror)
        return Evaluator(
            pass, classifier: classifier, members: members.map(\.classifier),
            options: configuration.scoreOptions, communicator: communicator)
    }
}

extension ConfigurationError {
    /// The error for a missing out-of-distribution validation set, on which `score` is fitted.
    package static func missingOutliers(for score: ScoreDefinition) -> ConfigurationError {
        ConfigurationError(
            key: "evaluation.outlierValidation", found: "empty",
            expected:
                "the folder of the packed out-of-distribution validation set, on which \(score.name) is fitted"
        )
    }
}
