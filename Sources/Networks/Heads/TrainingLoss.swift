/// The loss that training minimises, a function of a head's outputs and the samples' targets.
package struct TrainingLoss: Equatable, Sendable {
    /// τ of LogitNorm, which divides logits by their norm and by τ before the softmax; `nil` for
    /// unnormalised logits.
    package var logitTemperature: Float?
    /// ε of label smoothing: the weight of the uniform distribution in the target, from 0 to 1.
    package var smoothing: Float

    /// Whether samples are compared with one another (ReweightOOD, see `PairSums`) instead of
    /// logits with targets; for projection heads.
    package var comparesPairs: Bool

    package init(logitTemperature: Float? = nil, smoothing: Float = 0, comparesPairs: Bool = false) {
        self.logitTemperature = logitTemperature
        self.smoothing = smoothing
        self.comparesPairs = comparesPairs
    }

    /// Cross-entropy to the labels.
    package static let crossEntropy = TrainingLoss()
    /// Reweighted pairs of samples.
    package static let reweightOOD = TrainingLoss(comparesPairs: true)
}

/// The targets of a rank's samples.
package struct BatchTargets: Equatable, Sendable {
    /// The partners of mixed samples.
    package struct Mixture: Equatable, Sendable {
        /// The classes of the samples' partners, shape `[N]`.
        package var partners: [Int32]
        /// The weight of a sample's own image and label, from 0 to 1, shape `[N]`.
        package var shares: [Float]

        package init(partners: [Int32], shares: [Float]) {
            self.partners = partners
            self.shares = shares
        }
    }

    /// Shape `[N]`, each in `0..<classes`.
    package var labels: [Int32]
    /// `nil` if no sample is mixed.
    package var mixture: Mixture?

    package init(_ labels: [Int32], mixture: Mixture? = nil) {
        self.labels = labels
        self.mixture = mixture
    }

    /// The targets of some of the samples.
    package func part(_ samples: Range<Int>) -> BatchTargets {
        BatchTargets(
            Array(labels[samples]),
            mixture: mixture.map {
                Mixture(partners: Array($0.partners[samples]), shares: Array($0.shares[samples]))
            })
    }
}
