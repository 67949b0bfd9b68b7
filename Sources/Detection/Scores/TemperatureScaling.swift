internal import Cluster
package import Inference
internal import Numerics

extension ScoreDefinition {
    /// The largest probability at a temperature that is fitted on the validation set.
    public static let tempScaling = ScoreDefinition(
        "temp_scaling", "max softmax(z / T), T fitted to the labels",
        citation: "Guo et al., ICML 2017, arXiv 1706.04599, section 4.2", fittedOn: .validationFeatures,
        settings: [.words("search", ["fiftySteps", "minimum"])]
    ) { try TemperatureScaling($1, search: $0.word("search") == "minimum" ? .minimum : .fiftySteps) }
}

/// `temp_scaling`: the largest probability of `softmax(z / T)`, with `T` fitted on the validation
/// set.
///
/// Guo, Pleiss, Sun, Weinberger: "On calibration of modern neural networks", ICML 2017, arXiv
/// 1706.04599, section 4.2.
package struct TemperatureScaling: Score {
    /// How the temperature is found.
    package enum Search: Sendable {
        /// 50 steps of L-BFGS with learning rate 0.01, starting at 1.5, which end before the
        /// minimum; as in OpenOOD.
        case fiftySteps
        /// The minimum of the negative log-likelihood over `T` from 0.001 to 1000.
        case minimum
    }

    /// The divisor of the logits.
    package let temperature: Double

    package init(_ fit: FitContext, search: Search = .fiftySteps) throws {
        let likelihood = Likelihood(
            shard: fit.validation, count: try fit.validation.totalCount(on: fit.communicator),
            communicator: fit.communicator)
        temperature =
            switch search {
            case .fiftySteps: try likelihood.temperatureAfterFiftySteps()
            case .minimum: try likelihood.bestTemperature()
            }
        guard temperature.isFinite && Float(temperature) > 0 else {
            throw FitError(
                score: .tempScaling,
                reason: """
                    the fitted temperature is \(temperature), expected a number above 0; the network's logits on \
                    the validation set do not match its labels
                    """, isNumeric: true)
        }
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        MaximumConceptMatching(temperature: Float(temperature)).evaluate(
            input, confidences: &confidences, predictions: &predictions)
    }
}

/// The mean negative log-likelihood of the validation labels as a function of the temperature.
private struct Likelihood {
    let shard: FeatureShard
    /// The number of records of all ranks.
    let count: Int
    let communicator: any Communicator

    /// The value and its derivative. Collective.
    func callAsFunction(_ temperature: Double) throws(MPIError) -> (value: Double, slope: Double) {
        let classes = shard.head.classes
        let sums = try shard.treeSum(width: 2, on: communicator) { records, sums in
            for record in records {
                let row = shard.logits[record * classes..<(record + 1) * classes]
                let largest = Double(row.max()!)
                var (total, weighted) = (0.0, 0.0)
                for logit in row {
                    let weight = exponential((Double(logit) - largest) / temperature)
                    total += weight
                    weighted += weight * Double(logit)
                }
                let own = Double(row[row.startIndex + Int(shard.labels[record])])
                sums[0] += logarithm(total) + (largest - own) / temperature
                sums[1] += (own - weighted / total) / (temperature * temperature)
            }
        }
        return (sums[0] / Double(count), sums[1] / Double(count))
    }

    /// L-BFGS without a line search, which in one dimension is the secant method; learning rate
    /// scaling and tolerances are PyTorch's.
    func temperatureAfterFiftySteps() throws(MPIError) -> Double {
        var temperature = 1.5
        var (value, slope) = try self(temperature)
        guard abs(slope) > 1e-7 else { return temperature }
        var inverseCurvature = 1.0
        for step in 0..<50 {
            let direction = -inverseCurvature * slope
            guard slope * direction <= -1e-9 else { break }
            let change = direction * 0.01 * (step == 0 ? min(1, 1 / abs(slope)) : 1)
            temperature += change
            let next = try self(temperature)
            let bend = next.slope - slope
            if bend * change > 1e-10 { inverseCurvature = change / bend }
            let gain = abs(next.value - value)
            (value, slope) = next
            if abs(slope) <= 1e-7 || abs(change) <= 1e-9 || gain < 1e-9 { break }
        }
        return temperature
    }

    /// The negative log-likelihood is convex in `1 / T`, so its slope changes sign once; 60
    /// bisections of `log T` find the place.
    func bestTemperature() throws(MPIError) -> Double {
        var (low, high) = (logarithm(1e-3), logarithm(1e3))
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if try self(exponential(middle)).slope < 0 { low = middle } else { high = middle }
        }
        return exponential((low + high) / 2)
    }
}
