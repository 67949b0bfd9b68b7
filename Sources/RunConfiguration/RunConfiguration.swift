/// All settings of a run.
///
/// A new setting is a stored property with a default, a sentence of documentation and a check in
/// `validate()`: reading, writing, `--set`, unknown keys and comparison follow from that. A mapping
/// that is empty by default takes any key.
public struct RunConfiguration: Codable, Equatable, Sendable {
    /// The run's name, a folder in `output`.
    public var name = "run"
    /// The folder of all runs, relative to the working directory or absolute.
    public var output = "runs"
    /// The seed of initialisation, order and augmentation.
    public var seed: UInt64 = 0
    package var data = DataConfiguration()
    package var network = NetworkConfiguration()
    package var head = HeadConfiguration()
    package var loss = LossConfiguration()
    package var mixing = MixingConfiguration()
    package var optimizer = OptimizerConfiguration()
    package var training = TrainingConfiguration()
    package var batchNorm = BatchNormConfiguration()
    package var compute = ComputeConfiguration()
    package var cluster = ClusterConfiguration()
    package var evaluation = EvaluationConfiguration()

    /// The defaults of all settings.
    public init() {}

    /// The folder of the run's files: `<output>/<name>/s<seed>`.
    public var runDirectory: String { "\(output)/\(name)/s\(seed)" }

    /// Checks every setting.
    ///
    /// - Parameter names: The known networks and scores; `nil` leaves the check of their names to
    ///   the caller.
    /// - Throws: The first invalid setting.
    package func validate(names: KnownNames? = nil) throws(ConfigurationError) {
        try check(isFileName(name), "name", name, "the name of a folder, without '/' and control characters")
        try check(!output.isEmpty && !hasControlCharacters(output), "output", output, "a folder")
        try data.validate()
        try network.validate()
        try head.validate()
        try loss.validate(head: head, mixing: mixing, compute: compute)
        try compute.validate(sizes: training.sizes)
        try mixing.validate(training: training)
        try training.validate()
        try optimizer.validate(training: training)
        try batchNorm.validate(training: training)
        try compute.validate()
        try cluster.validate()
        try evaluation.validate(data: data)
        try names?.validate(self)
    }
}

/// The names that other modules define.
package struct KnownNames: Sendable {
    package var networks: [String]
    package var scores: [String]
    /// The scores that need no classifier.
    package var featureScores: [String]
    /// Checks a score with its settings and returns its title, in which equal settings are written
    /// alike; `nil` if only names are known.
    private let title: (@Sendable (_ score: String) throws(ConfigurationError) -> String)?

    package init(
        networks: [String], scores: [String], featureScores: [String] = [],
        title: (@Sendable (_ score: String) throws(ConfigurationError) -> String)? = nil
    ) {
        self.networks = networks
        self.scores = scores
        self.featureScores = featureScores
        self.title = title
    }

    func validate(_ configuration: RunConfiguration) throws(ConfigurationError) {
        try check("network.name", configuration.network.name, among: networks)
        var titles = Set<String>()
        for score in configuration.evaluation.scores {
            guard titles.insert(try title(of: score)).inserted else {
                throw ConfigurationError(
                    key: "evaluation.scores", found: "\(configuration.evaluation.scores)",
                    expected: "a list of different scores")
            }
            guard configuration.head.name == .projection, !featureScores.contains(score.name) else {
                continue
            }
            throw ConfigurationError(
                key: "evaluation.scores", found: score.text,
                expected: """
                    one of \(featureScores.joined(separator: ", ")), as a network with a projection head has no logits
                    """)
        }
    }

    private func title(of score: ScoreEntry) throws(ConfigurationError) -> String {
        if let title { return try title(score.text) }
        try check("evaluation.scores", score.text, among: scores)
        return score.text
    }

    private func check(_ key: String, _ name: String, among known: [String]) throws(ConfigurationError) {
        guard !known.contains(name) else { return }
        throw ConfigurationError(
            key: key, found: name, expected: "one of \(known.joined(separator: ", "))",
            suggestion: nearestName(to: name, among: known))
    }
}
