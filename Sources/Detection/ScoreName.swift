/// The scores, by the names that OpenOOD, configurations and result files use as raw values.
///
/// A score turns an image's feature `h`, shape `[D]`, logits `z = W h + b`, shape `[K]`, and
/// probabilities `p = softmax(z)` into a confidence, higher for more in-distribution. Settings are
/// OpenOOD v1.5's. Each case gives the formula and its source.
public enum ScoreName: String, CaseIterable, Sendable {
    /// Maximum softmax probability, `max p`. Hendrycks & Gimpel, ICLR 2017, arXiv 1610.02136,
    /// section 2.
    case msp
    /// `max p` of the forward pass without feature normalisation. Regmi et al., CVPR workshops
    /// 2024, arXiv 2305.17797, section 3.
    case t2fnorm
    /// Maximum logit, `max z`. Hendrycks et al., ICML 2022, arXiv 1911.11132, section 3.
    case mls
    /// Energy, `log Σ exp z`. Liu et al., NeurIPS 2020, arXiv 2010.03759, equation 4.
    case ebo
    /// GEN, `−Σ pᵞ (1 − p)ᵞ` over the largest `p`. Liu et al., CVPR 2023, equation 3.
    case gen
    /// Maximum concept matching, `max softmax(z / T)`. Ming et al., NeurIPS 2022, arXiv 2211.13445,
    /// equation 1.
    case mcm
    /// GradNorm, `‖h‖₁ · Σ |K p − 1|`. Huang et al., NeurIPS 2021, arXiv 2110.00218, section 4.3.
    case gradnorm
    /// ASH-B: energy of the largest features, each set to the sum of all over their number.
    /// Djurisic et al., ICLR 2023, arXiv 2209.09858, section 3.
    case ash
    /// An alias of `ash`.
    case ashB = "ash_b"
    /// ASH-P: energy of the largest features alone. Djurisic et al., ICLR 2023, section 3.
    case ashP = "ash_p"
    /// ASH-S: energy of the largest features, scaled. Djurisic et al., ICLR 2023, section 3.
    case ashS = "ash_s"
    /// SCALE: energy of all features, scaled. Xu et al., ICLR 2024, arXiv 2310.00227, section 4.
    case scale
    /// DICE: energy of the weights that contribute most on the training set. Sun & Li, ECCV 2022,
    /// arXiv 2111.09805, section 3.
    case dice
    /// Distances to the decision boundaries over the distance from the training mean. Liu & Qin,
    /// ICML 2024, arXiv 2312.11536, section 3.
    case fdbd
    /// Neural collapse, `w · (h − μ) / ‖h − μ‖ + α ‖h‖₁`. Liu & Qin, CVPR 2025, arXiv 2311.01479,
    /// section 4.
    case nci
    /// ReAct: energy of the features clipped from above. Sun et al., NeurIPS 2021, arXiv
    /// 2111.12797, section 3.
    case react
    /// VRA: energy of the features clipped from above and below. Xu et al., NeurIPS 2023, arXiv
    /// 2302.11716, section 3.
    case vra
    /// `max softmax(z / T)`, `T` fitted on the validation set. Guo et al., ICML 2017, arXiv
    /// 1706.04599, section 4.2.
    case tempScaling = "temp_scaling"
    /// `−min KL(p ‖ q)` over the classes' typical probabilities `q`. Hendrycks et al., ICML 2022,
    /// arXiv 1911.11132, section 4.1.
    case klm
    /// Negated squared Mahalanobis distance to the nearest class mean. Lee et al., NeurIPS 2018,
    /// arXiv 1807.03888, section 2.1.
    case mds
    /// `mds` relative to the distance from the mean of all classes. Ren et al., 2021, arXiv
    /// 2106.09022, section 3.
    case rmds
    /// Negated squared Mahalanobis distance of normalised features to their mean. Sehwag et al.,
    /// ICLR 2021, arXiv 2103.12051, section 3.2.
    case ssd
    /// ViM: energy minus the scaled norm of the residual outside the principal space. Wang et al.,
    /// CVPR 2022, arXiv 2203.10807, section 4.
    case vim
    /// Negated norm of the residual outside the principal space. Wang et al., CVPR 2022, arXiv
    /// 2203.10807, section 3.2.
    case residual
    /// Inner product with the predicted class's stored pattern. Zhang et al., ICLR 2023, section 3.
    case she
    /// Negated squared distance to the k-th nearest training feature. Sun et al., ICML 2022, arXiv
    /// 2204.06507, section 3.
    case knn
    /// Energy times the mean similarity to the nearest training records. Park et al., ICCV 2023,
    /// arXiv 2309.14888, section 3.
    case nnguide
    /// Sum of similarities in features and probabilities. Kim et al., NeurIPS 2023, arXiv
    /// 2301.12321, section 3.
    case relation
    /// Negated probability of an unknown class. Bendale & Boult, CVPR 2016, arXiv 1511.06233,
    /// algorithms 1 and 2.
    case openmax
    /// Negated size of the neighbourhoods that contain the image. OpenOOD v1.5, arXiv 2306.09301.
    case cfood
    /// Negated squared distance to the nearest gradient of a training record. ElAraby et al., TMLR
    /// 2025, arXiv 2312.14427.
    case grood
    /// `max p` of the mean logits of several passes with dropout. Gal & Ghahramani, ICML 2016,
    /// arXiv 1506.02142, section 4.
    case dropout
    /// ODIN: `max softmax(z / T)` of a perturbed image. Liang et al., ICLR 2018, arXiv 1706.02690,
    /// section 3.
    case odin
    /// i-ODIN: `odin` with one perturbed value. Regmi, ASCOOD, 2024.
    case iodin
    /// AdaSCALE-A: energy of features scaled by an image's own percentile. Regmi, 2025, arXiv
    /// 2503.08023, section 4.
    case adascaleA = "adascale_a"
    /// AdaSCALE-L: the same for logits. Regmi, 2025, arXiv 2503.08023, section 4.
    case adascaleL = "adascale_l"
    /// RankFeat: energy without the largest singular component of the last activation maps. Song et
    /// al., NeurIPS 2022, arXiv 2209.08590, section 2.
    case rankfeat
    /// Negated deviation of channel correlations from the predicted class's range. Sastry & Oore,
    /// ICML 2020, arXiv 1912.12510, section 3.
    case gram
    /// `mds` of the first layer's activation map for a perturbed image. Lee et al., NeurIPS 2018,
    /// arXiv 1807.03888, sections 2.1 and 2.2.
    case mdsEnsemble = "mds_ensemble"
    /// Log density of a Gaussian mixture at the second stage's activation map. Yang et al., IJCV
    /// 2023, arXiv 2204.05306, section 4.
    case gmm
    /// `max p` of the mean logits of several networks. Lakshminarayanan et al., NeurIPS 2017, arXiv
    /// 1612.01474, section 2.4.
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
