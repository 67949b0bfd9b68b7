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
    /// Another name of `ash`.
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

    /// What a score must see before it scores.
    public enum Need: Sendable {
        case nothing
        /// The mean feature of the training set.
        case trainingMean
        /// Features, logits and labels of the training set.
        case trainingFeatures
        /// The same of the in-distribution validation set, or of the training set where there is none.
        case validationFeatures
    }

    /// What the score must see before it scores.
    public var need: Need {
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

    /// Whether the score must see the out-of-distribution validation set too.
    public var needsOutliers: Bool { self == .grood }

    /// Whether the score must see what other networks make of an image.
    public var needsMembers: Bool { self == .ensemble }

    /// Whether the score looks at features alone, so that a network without a classifier has it too.
    public var needsNoClassifier: Bool { Self.ofFeatures.contains(self) }

    /// The scores that look at features alone.
    public static let ofFeatures: [ScoreName] = [.mds, .rmds, .ssd, .knn, .cfood]

    /// What the score takes of the network beside the one pass that all scores share; `nil` for nothing.
    public var networkCost: String? {
        switch self {
        case .odin, .iodin: "2 forward passes and 1 backward pass more for each image scored"
        case .adascaleA, .adascaleL:
            "2 forward passes and 1 backward pass more for each image scored and each validation image"
        case .rankfeat: "1 forward pass more for each image scored, and the last stage of another"
        case .gram: "1 forward pass more for each image scored, 2 for each training image"
        case .gmm: "1 forward pass more for each image scored, 6 for each training image"
        case .mdsEnsemble:
            "the first layer twice forward and once backward for each image scored, once forward for each training image"
        case .ensemble: "1 forward pass of each other network more for each image scored"
        case .msp, .t2fnorm, .mls, .ebo, .gen, .mcm, .gradnorm, .ash, .ashB, .ashP, .ashS, .scale, .dice,
            .fdbd, .nci, .react, .vra, .tempScaling, .klm, .mds, .rmds, .ssd, .vim, .residual, .she, .knn,
            .nnguide, .relation, .openmax, .cfood, .grood, .dropout:
            nil
        }
    }

    /// The score with its default settings. Collective if it is fitted.
    ///
    /// - Precondition: A score that is fitted has its `fit`.
    /// - Throws: `ScoreFitError` on all ranks, or `MPIError`.
    public func makeScore(_ fit: ScoreFit? = nil) throws -> any Score {
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

    private func required(_ fit: ScoreFit?) -> ScoreFit {
        guard let fit else { preconditionFailure("\(rawValue) without what it is fitted on") }
        return fit
    }
}

extension [ScoreName] {
    /// Whether one of the scores must see the out-of-distribution validation set.
    public var needOutliers: Bool { contains { $0.needsOutliers } }

    /// Whether one of the scores must see what other networks make of an image.
    public var needMembers: Bool { contains { $0.needsMembers } }

    /// Whether one of the scores must see the validation set.
    public var needValidation: Bool { contains { $0.need == .validationFeatures } }

    /// Whether one of the scores must see the training set.
    ///
    /// - Parameter hasValidation: Whether there is a validation set; the training set takes its place.
    public func needTraining(hasValidation: Bool) -> Bool {
        keepTraining(hasValidation: hasValidation) || contains { $0.need == .trainingMean }
    }

    /// Whether one of the scores must see more of the training set than its mean.
    func keepTraining(hasValidation: Bool) -> Bool {
        contains { $0.need == .trainingFeatures } || !hasValidation && needValidation
    }
}
