internal import Cluster
package import Inference
internal import Kernels
internal import Memory
internal import Numerics

extension ScoreDefinition {
    /// AdaSCALE-A: energy of features scaled by an image's own percentile.
    public static let adascaleA = adaptiveScaling(
        "adascale_a",
        "energy of h · exp r, r as in `scale` with a percentile for each image, which is lower the less h moves when x does",
        .activations)
    /// AdaSCALE-L: the same for logits.
    public static let adascaleL = adaptiveScaling(
        "adascale_l", "energy of z · r², r as in `adascale_a`", .logits)

    private static func adaptiveScaling(
        _ name: String, _ summary: String, _ variant: AdaptiveScaling.Variant
    ) -> ScoreDefinition {
        let tried: [Double] = [60, 65, 70, 75, 80, 85, 90, 95, 99]
        return ScoreDefinition(
            name, summary, citation: "Regmi, 2025, arXiv 2503.08023, section 4",
            fittedOn: .validationFeatures,
            settings: [
                .percentile(75, name: "low", label: "low percentile", tried: tried),
                .percentile(85, name: "high", label: "high percentile", tried: tried),
            ],
            traits: ScoreTraits(
                passes:
                    "2 more forward passes and 1 more backward pass for each image scored and each validation image",
                gridOrder: .lastFastest, ascending: ("low", "high"))
        ) { try AdaptiveScaling($1, variant, percentiles: $0.real("low")...$0.real("high")) }
    }
}

/// `adascale_a`, `adascale_l`: the energy of scaled features or logits; the less a small
/// perturbation of the image moves the features, the larger the scale.
///
/// Regmi: "AdaSCALE: Adaptive scaling for OOD detection", 2025, arXiv 2503.08023, section 4. How
/// far the features move is ranked among validation images; the rank determines the percentile that
/// `scale` uses.
package struct AdaptiveScaling: Score {
    /// The quantity that is scaled.
    package enum Variant: Sendable {
        /// Features, by `exp r`.
        case activations
        /// Logits, by `r²`.
        case logits
    }

    /// The number of validation images to rank among; if there are more, evenly spaced ones are
    /// used.
    static let rankedCount = 5000

    package let variant: Variant
    /// The percentiles of the features for the image that moves most (lower bound) and for the one
    /// that moves least (upper bound).
    package let percentiles: ClosedRange<Double>
    package let probe: (any NetworkProbe)? = FeatureShift()
    /// The validation images' shifts in ascending order.
    private let shifts: [Float]

    /// Collective.
    package init(
        _ fit: FitContext, _ variant: Variant, percentiles: ClosedRange<Double> = 75...85
    ) throws {
        precondition(
            percentiles.lowerBound >= 0 && percentiles.upperBound <= 100, "percentiles of \(percentiles)")
        self.variant = variant
        self.percentiles = percentiles
        let own = try fit.capturedValidation(FeatureShift())
        let all = try fit.communicator.allGather(own.span)
        shifts =
            (all.count <= Self.rankedCount
            ? all : (0..<Self.rankedCount).map { all[$0 * all.count / Self.rankedCount] }).sorted()
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        switch variant {
        case .activations:
            var sample = 0
            input.energies(head: input.head, confidences: &confidences, predictions: &predictions) {
                feature in
                if let ratio = ratio(of: feature, shift: input.captured(of: sample)[0]) {
                    let factor = Float(exponential(ratio))
                    for j in feature.indices { feature[j] *= factor }
                }
                sample += 1
            }
        case .logits:
            input.energiesOfScaledLogits(confidences: &confidences, predictions: &predictions) {
                ratio(of: $1, shift: input.captured(of: $0)[0]).map { Float($0 * $0) } ?? 1
            }
        }
    }

    /// The sum of all features over the sum of the largest; `nil` if the largest sum to 0 or the
    /// sum of all is not finite.
    private func ratio(of feature: [Float], shift: Float) -> Double? {
        let share = Double(shifts.partitioningIndex { $0 > shift }) / Double(shifts.count)
        let (low, high) = (percentiles.lowerBound, percentiles.upperBound)
        return LargestFeatures(
            of: feature.map { max($0, 0) }, percentile: low + (1 - share) * (high - low)
        ).ratio
    }
}

extension [Float] {
    /// The first index at which `belongs` is true; the elements are sorted so that it stays true.
    fileprivate func partitioningIndex(where belongs: (Float) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// The response of an image's largest features to a perturbation of the pixel values that its
/// largest logit depends on least: the sum of the largest features, plus ten times the distance
/// that the very largest have moved.
private struct FeatureShift: NetworkProbe {
    /// The fraction of the image's values that are changed.
    private static let changedShare = 0.05
    /// The size of the change, in normalised units.
    private static let change: Float = 0.5
    /// Percentages of the features in the two sums, and the second sum's weight.
    private static let (summedPercent, movedPercent, movedWeight) = (5, 1, 10.0)

    let key = "feature shift"

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        let classes = input.head.classes
        let gradient = try network.imageGradient(of: images, count: input.count) { logits in
            var result = [Float](repeating: 0, count: logits.count)
            for start in stride(from: 0, to: logits.count, by: classes) {
                result[start + indexOfMaximum(logits.span.extracting(start..<start + classes))] = 1
            }
            return result
        }
        let imageCount = gradient.count / max(input.count, 1)
        var steps = [Float](repeating: 0, count: gradient.count)
        for sample in 0..<input.count {
            for place in flattest(gradient, sample * imageCount..<(sample + 1) * imageCount) {
                steps[place] = gradient[place] == 0 ? 0 : gradient[place] > 0 ? Self.change : -Self.change
            }
        }
        let changed = network.changed(images) { steps[$0] }
        let moved = try network.features(of: changed, count: input.count)
        let dimension = input.head.dimension
        return (0..<input.count).map { sample in
            let own = input.features(of: sample)
            let order = own.indices.sorted { own[$0] > own[$1] || (own[$0] == own[$1] && $0 < $1) }
            var sum = 0.0
            for j in order.prefix(dimension * Self.summedPercent / 100) {
                let value = moved[sample * dimension + j]
                sum += Double(value < 0 ? 0 : value)
            }
            for j in order.prefix(dimension * Self.movedPercent / 100) {
                sum += Self.movedWeight * Double(abs(own[j] - moved[sample * dimension + j]))
            }
            return Float(sum)
        }
    }

    /// The indices with the smallest absolute gradients; ties go to the first.
    private func flattest(_ gradient: [Float], _ image: Range<Int>) -> [Int] {
        let count = Int(Self.changedShare * Double(image.count))
        guard count > 0 else { return [] }
        let threshold = image.map { abs(gradient[$0]) }.sorted()[count - 1]
        var left = count - image.count { abs(gradient[$0]) < threshold }
        return image.filter { place in
            let size = abs(gradient[place])
            guard size == threshold else { return size < threshold }
            left -= 1
            return left >= 0
        }
    }
}
