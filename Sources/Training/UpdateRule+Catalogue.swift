package import RunConfiguration

extension OptimizerConfiguration {
    /// The rule that the configuration names.
    package var rule: any UpdateRule {
        switch name {
        case .sgd: MomentumSGD(momentum: Float(momentum), usesNesterov: nesterov)
        case .lars:
            LARS(
                momentum: Float(momentum), trustCoefficient: trustCoefficient,
                untrustedKinds: kinds(noTrustRatio))
        case .adamw: AdamW(betas: (betas[0], betas[1]), epsilon: Float(epsilon))
        }
    }
}
