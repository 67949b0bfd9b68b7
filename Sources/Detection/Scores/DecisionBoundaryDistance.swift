package import Inference
internal import Kernels

extension ScoreDefinition {
    /// Distances to the decision boundaries over the distance from the training mean.
    public static let fdbd = ScoreDefinition(
        "fdbd", "Σ distances to decision boundaries / ‖h − mean h‖, or / ‖h‖",
        citation: "Liu & Qin, ICML 2024, arXiv 2312.11536, section 3", fittedOn: .trainingMean,
        settings: [.words("divisor", ["distance", "norm"], label: "divided by", isTried: true)]
    ) {
        DecisionBoundaryDistance($1, regularizer: $0.word("divisor") == "distance" ? .distance : .norm)
    }
}

/// `fdbd`: the summed distances to the other classes' decision boundaries, divided by the feature's
/// distance from the training mean.
///
/// Liu, Qin: "Fast decision boundary based out-of-distribution detector", ICML 2024, arXiv
/// 2312.11536, section 3. The distances are summed over classes, as in OpenOOD; the paper averages
/// them, which gives the same ranking.
package struct DecisionBoundaryDistance: Score {
    /// The divisor of the distances.
    package enum Regularizer: Sendable {
        /// The distance of the feature from the training mean.
        case distance
        /// The norm of the feature.
        case norm
    }

    package let regularizer: Regularizer
    private let mean: [Float]
    /// Distances between the classes' weight vectors, shape `[K, K]`.
    private let distances: [Double]

    package init(_ fit: FitContext, regularizer: Regularizer = .distance) {
        self.regularizer = regularizer
        mean = fit.featureMean
        let (classes, dimension) = (fit.head.classes, fit.head.dimension)
        let head = fit.head
        let weights = head.weights.span
        var distances = [Double](repeating: 0, count: classes * classes)
        for k in 0..<classes {
            for other in 0..<k {
                var sum = 0.0
                for j in 0..<dimension {
                    let step = Double(weights[k * dimension + j]) - Double(weights[other * dimension + j])
                    sum += step * step
                }
                distances[k * classes + other] = sum.squareRoot()
                distances[other * classes + k] = sum.squareRoot()
            }
        }
        self.distances = distances
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        let classes = input.head.classes
        for sample in 0..<input.count {
            let row = input.logits(of: sample)
            let feature = input.features(of: sample)
            let predicted = indexOfMaximum(row)
            var sum = 0.0
            for k in row.indices where k != predicted {
                sum += Double(row[predicted] - row[k]) / distances[predicted * classes + k]
            }
            var square = 0.0
            for j in feature.indices {
                let step = Double(feature[j]) - (regularizer == .distance ? Double(mean[j]) : 0)
                square += step * step
            }
            confidences[sample] = sum / square.squareRoot()
            predictions[sample] = Int32(predicted)
        }
    }
}
