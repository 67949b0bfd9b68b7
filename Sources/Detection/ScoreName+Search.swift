internal import Inference

/// A setting of a score and its value.
package struct ScoreSetting: Equatable, Sendable, CustomStringConvertible {
    package let name: String
    package let value: Double
    /// The value as a word, if it stands for a choice.
    private let word: String?

    init(_ name: String, _ value: Double, word: String? = nil) {
        self.name = name
        self.value = value
        self.word = word
    }

    package var description: String {
        "\(name) \(word ?? (value == value.rounded() ? String(Int(value)) : String(value)))"
    }
}

extension ScoreName {
    /// The settings that OpenOOD's search tries, in its order: if there are several lists, the
    /// first varies fastest. Empty if the score has no settings to search. Settings that are too
    /// large for the classifier or the training set are left out.
    ///
    /// - Parameter fit: The context that scores are fitted on. The call is collective for `knn`.
    package func searchGrid(_ fit: FitContext) throws -> [[ScoreSetting]] {
        switch self {
        case .gen:
            product(("exponent", [0.01, 0.1, 0.5, 1, 2, 5, 10]), ("count", [10, 50, 100, 200, 500, 1000]))
        case .odin, .iodin: product(("temperature", [1, 10, 100, 1000]), ("magnitude", [0.0014, 0.0028]))
        case .react: list("percentile", [85, 90, 95, 99])
        case .vra: product(("high percentile", [85, 90, 95, 99]), ("low percentile", [1, 5, 10, 15]))
        case .ash, .ashB, .ashP, .ashS, .scale: list("percentile", [65, 70, 75, 80, 85, 90, 95])
        case .adascaleA, .adascaleL:
            pairs("low percentile", "high percentile", [60, 65, 70, 75, 80, 85, 90, 95, 99])
        case .knn:
            list(
                "neighbour",
                try [50, 100, 200, 500, 1000].filter {
                    try Int($0) <= fit.training.totalCount(on: fit.communicator)
                })
        case .vim: list("dimension", [256, 1000].filter { Int($0) < fit.head.dimension })
        case .fdbd:
            [
                [ScoreSetting("divided by", 0, word: "distance")],
                [ScoreSetting("divided by", 1, word: "norm")],
            ]
        case .nci: list("norm share", [1e-4, 1e-3, 1e-2, 1e-1])
        case .relation: list("exponent", [1, 2, 4, 6, 8])
        case .msp, .t2fnorm, .mls, .ebo, .mcm, .gradnorm, .dice, .tempScaling, .klm, .mds, .rmds, .ssd,
            .residual, .she, .nnguide, .openmax, .cfood, .rankfeat, .gram, .mdsEnsemble, .gmm,
            .grood, .dropout, .ensemble:
            []
        }
    }

    /// Whether OpenOOD's published numbers use searched settings.
    package var isSearchedByOpenOOD: Bool { hasSearch && self != .ashP && self != .ashS }

    /// Whether the score has settings to search.
    package var hasSearch: Bool {
        switch self {
        case .gen, .odin, .iodin, .react, .vra, .ash, .ashB, .ashP, .ashS, .scale, .adascaleA, .adascaleL,
            .knn, .vim, .fdbd, .nci, .relation:
            true
        case .msp, .t2fnorm, .mls, .ebo, .mcm, .gradnorm, .dice, .tempScaling, .klm, .mds, .rmds, .ssd,
            .residual, .she, .nnguide, .openmax, .cfood, .rankfeat, .gram, .mdsEnsemble, .gmm,
            .grood, .dropout, .ensemble:
            false
        }
    }

    /// The score with one combination of settings from its grid. Collective if the score is fitted.
    package func makeScore(_ fit: FitContext, settings: [ScoreSetting]) throws -> any Score {
        let values = settings.map(\.value)
        return switch self {
        case .gen: GeneralizedEntropy(exponent: Float(values[0]), count: Int(values[1]))
        case .odin: ImagePerturbation(.all, temperature: Float(values[0]), magnitude: Float(values[1]))
        case .iodin: ImagePerturbation(.steepest, temperature: Float(values[0]), magnitude: Float(values[1]))
        case .react: try FeatureClipping(fit, percentile: values[0])
        case .vra: try FeatureRectification(fit, percentiles: values[1]...values[0])
        case .ash: ActivationShaping(.binarized, percentile: values[0])
        case .ashB: ActivationShaping(.binarized, percentile: values[0], name: .ashB)
        case .ashP: ActivationShaping(.pruned, percentile: values[0])
        case .ashS: ActivationShaping(.scaled, percentile: values[0])
        case .scale: ActivationScaling(percentile: values[0])
        case .adascaleA: try AdaptiveScaling(fit, .activations, percentiles: values[0]...values[1])
        case .adascaleL: try AdaptiveScaling(fit, .logits, percentiles: values[0]...values[1])
        case .knn: try NearestNeighbors(fit, neighbor: Int(values[0]))
        case .vim: try VirtualLogit(fit, dimension: Int(values[0]))
        case .fdbd: DecisionBoundaryDistance(fit, regularizer: values[0] == 0 ? .distance : .norm)
        case .nci: NeuralCollapse(fit, normShare: values[0])
        case .relation: try NeuralRelation(fit, exponent: values[0])
        case .msp, .t2fnorm, .mls, .ebo, .mcm, .gradnorm, .dice, .tempScaling, .klm, .mds, .rmds, .ssd,
            .residual, .she, .nnguide, .openmax, .cfood, .rankfeat, .gram, .mdsEnsemble, .gmm,
            .grood, .dropout, .ensemble:
            try makeScore(fit)
        }
    }
}

private func list(_ name: String, _ values: [Double]) -> [[ScoreSetting]] {
    values.map { [ScoreSetting(name, $0)] }
}

private func product(
    _ first: (name: String, values: [Double]), _ second: (name: String, values: [Double])
) -> [[ScoreSetting]] {
    second.values.flatMap { value in
        first.values.map { [ScoreSetting(first.name, $0), ScoreSetting(second.name, value)] }
    }
}

/// All pairs whose first value is smaller than the second.
private func pairs(_ low: String, _ high: String, _ values: [Double]) -> [[ScoreSetting]] {
    values.flatMap { first in
        values.filter { $0 > first }.map { [ScoreSetting(low, first), ScoreSetting(high, $0)] }
    }
}

extension [ScoreName] {
    /// Whether one of the scores has settings to search.
    package var haveSearch: Bool { contains { $0.hasSearch } }
}
