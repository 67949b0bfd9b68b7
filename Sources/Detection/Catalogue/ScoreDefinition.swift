/// A score: its name, what it computes, what it needs, its settings, and how it is made.
///
/// A score turns an image's feature `h`, shape `[D]`, logits `z = W h + b`, shape `[K]`, and
/// probabilities `p = softmax(z)` into a confidence, higher for more in-distribution. Default
/// settings are OpenOOD v1.5's. `ScoreCatalogue` lists the scores; the definition of each stands in
/// its file.
public struct ScoreDefinition: Sendable {
    /// The name that OpenOOD, configurations and result files use.
    public let name: String
    /// What the confidence is, in one line with its formula.
    public let summary: String
    /// Authors, place and year of the publication that defines the score.
    public let citation: String
    /// What it needs besides the outputs of the scored images.
    package let inputs: ScoreInputs
    /// The settings, in the order in which they are written.
    package let parameters: [ScoreParameter]
    package let traits: ScoreTraits
    /// The settings that differ from the defaults, in the order of `parameters`.
    package private(set) var chosen: [ScoreSetting] = []
    private let factory: @Sendable (ScoreSettings, FitContext?) throws -> any Score

    /// A score that is not fitted on data.
    ///
    /// - Parameter make: Makes the score with the settings.
    init(
        _ name: String, _ summary: String, citation: String, inputs: ScoreInputs = [],
        settings: [ScoreParameter] = [], traits: ScoreTraits = ScoreTraits(),
        make: @escaping @Sendable (ScoreSettings) -> any Score
    ) {
        precondition(!inputs.areFitted, "score \(name) is fitted, expected one without a fit")
        self.name = name
        self.summary = summary
        self.citation = citation
        self.inputs = inputs
        self.traits = traits
        parameters = settings
        factory = { settings, _ in make(settings) }
    }

    /// A score that is fitted on data.
    ///
    /// - Parameter fit: Fits the score with the settings. Collective; throws `FitError` on all
    ///   ranks, or `MPIError`.
    init(
        _ name: String, _ summary: String, citation: String, fittedOn inputs: ScoreInputs,
        settings: [ScoreParameter] = [], traits: ScoreTraits = ScoreTraits(),
        fit: @escaping @Sendable (ScoreSettings, FitContext) throws -> any Score
    ) {
        precondition(inputs.areFitted, "score \(name) is fitted on nothing, expected a set")
        self.name = name
        self.summary = summary
        self.citation = citation
        self.inputs = inputs
        self.traits = traits
        parameters = settings
        factory = { settings, context in
            guard let context else { preconditionFailure("score \(name) has no context to be fitted on") }
            return try fit(settings, context)
        }
    }

    /// The score's name with the settings that differ from the defaults, such as `knn:k=200`: its
    /// title in tables and its name in files.
    public var title: String { ([name] + chosen.map(\.text)).joined(separator: ":") }

    /// Makes the score. Collective if it is fitted.
    ///
    /// - Parameter settings: Settings instead of the definition's.
    /// - Precondition: `fit` is given if the score is fitted.
    /// - Throws: `FitError` on all ranks, or `MPIError`.
    package func makeScore(_ fit: FitContext? = nil, settings: [ScoreSetting] = []) throws -> any Score {
        try factory(ScoreSettings(of: self, settings), fit)
    }

    /// The same score with other settings; those equal to the defaults count as not chosen.
    ///
    /// - Precondition: The settings are the score's, each at most once, with allowed values.
    package func with(_ settings: [ScoreSetting]) -> ScoreDefinition {
        var result = self
        result.chosen = parameters.compactMap { parameter in
            settings.first { $0.parameter.name == parameter.name && $0.value != parameter.standard }
        }
        return result
    }

    /// The network passes that the score needs besides the forward pass that all scores share;
    /// `nil` for none.
    package var networkCost: String? { traits.passes }

    /// The precision of the confidences.
    package var precision: ScorePrecision { traits.precision }

    /// Whether the score uses features alone, so that it also works for a network without a
    /// classifier.
    package var needsNoClassifier: Bool { inputs.contains(.featuresAlone) }
}

extension ScoreDefinition: Hashable, CustomStringConvertible {
    /// Whether both are the same score with the same settings.
    public static func == (left: ScoreDefinition, right: ScoreDefinition) -> Bool {
        left.title == right.title
    }

    /// Hashes the title.
    public func hash(into hasher: inout Hasher) { hasher.combine(title) }

    /// The title.
    public var description: String { title }
}
