/// The scores, by the names that OpenOOD, configurations and result files use.
public enum ScoreName: String, CaseIterable, Sendable {
    case msp
    case t2fnorm
    case mls
    case ebo
    case gen
    case mcm
    case gradnorm
    case ash
    /// An alias of `ash`.
    case ashB = "ash_b"
    case ashP = "ash_p"
    case ashS = "ash_s"
    case scale
    case dice
    case fdbd
    case nci
    case react
    case vra
    case tempScaling = "temp_scaling"
    case klm
    case mds
    case rmds
    case ssd
    case vim
    case residual
    case she
    case knn
    case nnguide
    case relation
    case openmax
    case cfood
    case grood
    case dropout
    case odin
    case iodin
    case adascaleA = "adascale_a"
    case adascaleL = "adascale_l"
    case rankfeat
    case gram
    case mdsEnsemble = "mds_ensemble"
    case gmm
    case ensemble

    /// The data that a score is fitted on.
    package enum Need: Sendable {
        case nothing
        /// The mean feature of the training set.
        case trainingMean
        /// Features, logits and labels of the training set.
        case trainingFeatures
        /// The same for the in-distribution validation set, or for the training set if there is
        /// none.
        case validationFeatures
    }

    /// The data that the score is fitted on.
    package var need: Need {
        switch self {
        case .msp, .t2fnorm, .mls, .ebo, .gen, .mcm, .gradnorm, .ash, .ashB, .ashP, .ashS, .scale, .odin,
            .iodin, .rankfeat, .dropout, .ensemble:
            .nothing
        case .dice, .fdbd, .nci: .trainingMean
        case .react, .vra, .tempScaling, .klm, .residual, .adascaleA, .adascaleL: .validationFeatures
        case .mds, .rmds, .ssd, .vim, .she, .knn, .nnguide, .relation, .openmax, .cfood, .gram, .mdsEnsemble,
            .gmm, .grood:
            .trainingFeatures
        }
    }

    /// Whether the score is also fitted on the out-of-distribution validation set.
    package var needsOutliers: Bool { self == .grood }

    /// Whether the score needs the logits of other networks.
    package var needsMembers: Bool { self == .ensemble }

    /// Whether the score uses features alone, so that it also works for a network without a
    /// classifier.
    package var needsNoClassifier: Bool { Self.ofFeatures.contains(self) }

    /// The scores that use features alone.
    package static let ofFeatures: [ScoreName] = [.mds, .rmds, .ssd, .knn, .cfood]

    /// The network passes that the score needs besides the forward pass that all scores share;
    /// `nil` for none.
    package var networkCost: String? {
        switch self {
        case .odin, .iodin: "2 more forward passes and 1 more backward pass for each image scored"
        case .adascaleA, .adascaleL:
            "2 more forward passes and 1 more backward pass for each image scored and each validation image"
        case .rankfeat: "1 more forward pass for each image scored, and 1 through the last stage alone"
        case .gram: "1 more forward pass for each image scored, 2 for each training image"
        case .gmm: "1 more forward pass for each image scored, 6 for each training image"
        case .mdsEnsemble:
            "2 forward passes and 1 backward pass of the first layer for each image scored, 1 forward pass of it for each training image"
        case .ensemble: "1 forward pass of each other network for each image scored"
        case .msp, .t2fnorm, .mls, .ebo, .gen, .mcm, .gradnorm, .ash, .ashB, .ashP, .ashS, .scale, .dice,
            .fdbd, .nci, .react, .vra, .tempScaling, .klm, .mds, .rmds, .ssd, .vim, .residual, .she, .knn,
            .nnguide, .relation, .openmax, .cfood, .grood, .dropout:
            nil
        }
    }

    /// The score with its default settings. Collective if it is fitted.
    ///
    /// - Precondition: `fit` is given if the score is fitted.
    /// - Throws: `FitError` on all ranks, or `MPIError`.
    package func makeScore(_ fit: FitContext? = nil) throws -> any Score {
        switch self {
        case .msp: MaximumSoftmaxProbability()
        case .t2fnorm: T2FNormScore()
        case .mls: MaximumLogit()
        case .ebo: Energy()
        case .gen: GeneralizedEntropy()
        case .mcm: MaximumConceptMatching()
        case .gradnorm: GradNorm()
        case .ash: ActivationShaping(.binarized)
        case .ashB: ActivationShaping(.binarized, name: .ashB)
        case .ashP: ActivationShaping(.pruned)
        case .ashS: ActivationShaping(.scaled)
        case .scale: ActivationScaling()
        case .dice: DirectedSparsification(required(fit))
        case .fdbd: DecisionBoundaryDistance(required(fit))
        case .nci: NeuralCollapse(required(fit))
        case .react: try FeatureClipping(required(fit))
        case .vra: try FeatureRectification(required(fit))
        case .tempScaling: try TemperatureScaling(required(fit))
        case .klm: try DivergenceMatching(required(fit))
        case .mds: try Mahalanobis(required(fit))
        case .rmds: try RelativeMahalanobis(required(fit))
        case .ssd: try SphereMahalanobis(required(fit))
        case .vim: try VirtualLogit(required(fit))
        case .residual: try Residual(required(fit))
        case .she: try StoredPatterns(required(fit))
        case .knn: try NearestNeighbors(required(fit))
        case .nnguide: try NearestNeighborGuidance(required(fit))
        case .relation: try NeuralRelation(required(fit))
        case .openmax: try OpenMax(required(fit))
        case .cfood: try NeighborhoodShare(required(fit))
        case .odin: ImagePerturbation(.all)
        case .iodin: ImagePerturbation(.steepest)
        case .adascaleA: try AdaptiveScaling(required(fit), .activations)
        case .adascaleL: try AdaptiveScaling(required(fit), .logits)
        case .rankfeat: RankFeature()
        case .gram: try GramMatrices(required(fit))
        case .mdsEnsemble: try MahalanobisEnsemble(required(fit))
        case .gmm: try GaussianMixture(required(fit))
        case .grood: try GradientNeighbors(required(fit), records: required(fit).options.grood)
        case .dropout: MonteCarloDropout()
        case .ensemble: NetworkEnsemble()
        }
    }

    private func required(_ fit: FitContext?) -> FitContext {
        guard let fit else { preconditionFailure("score \(rawValue) has no context to be fitted on") }
        return fit
    }
}

extension [ScoreName] {
    /// Whether one of the scores is fitted on the out-of-distribution validation set.
    package var needOutliers: Bool { contains { $0.needsOutliers } }

    /// Whether one of the scores needs the logits of other networks.
    package var needMembers: Bool { contains { $0.needsMembers } }

    /// Whether one of the scores is fitted on the validation set.
    package var needValidation: Bool { contains { $0.need == .validationFeatures } }

    /// Whether one of the scores is fitted on the training set.
    ///
    /// - Parameter hasValidation: Whether there is a validation set; without one the training set
    ///   takes its place.
    package func needTraining(hasValidation: Bool) -> Bool {
        keepTraining(hasValidation: hasValidation) || contains { $0.need == .trainingMean }
    }

    /// Whether one of the scores needs more of the training set than its mean feature.
    func keepTraining(hasValidation: Bool) -> Bool {
        contains { $0.need == .trainingFeatures } || !hasValidation && needValidation
    }
}
