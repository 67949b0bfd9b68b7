package import Inference
internal import Kernels
internal import Memory
internal import Numerics

extension ScoreDefinition {
    /// ODIN: the largest probability of a perturbed image at a temperature.
    public static let odin = perturbation(
        "odin",
        "max softmax(z(x′) / T), x′ = x moved by ε, the magnitude, against the gradient of the cross-entropy of its predicted class",
        citation: "Liang et al., ICLR 2018, arXiv 1706.02690, section 3", .all)
    /// i-ODIN: `odin` with one perturbed value.
    public static let iodin = perturbation(
        "iodin", "the same as `odin`, but only the value of x with the largest gradient is moved",
        citation: "Regmi, ASCOOD, 2024", .steepest)

    private static func perturbation(
        _ name: String, _ summary: String, citation: String, _ pixels: ImagePerturbation.Pixels
    ) -> ScoreDefinition {
        ScoreDefinition(
            name, summary, citation: citation,
            settings: [
                .real("temperature", 1000, in: 1e-3...1e6, tried: [1, 10, 100, 1000]),
                .real("magnitude", 0.0014, in: 0...1, tried: [0.0014, 0.0028]),
            ],
            traits: ScoreTraits(
                passes: "2 more forward passes and 1 more backward pass for each image scored")
        ) {
            ImagePerturbation(
                pixels, temperature: Float($0.real("temperature")), magnitude: Float($0.real("magnitude")))
        }
    }
}

/// `odin`, `iodin`: the largest probability at a temperature, for an image perturbed towards its
/// predicted class.
///
/// Liang, Li, Srikant: "Enhancing the reliability of out-of-distribution image detection in neural
/// networks", ICLR 2018, arXiv 1706.02690, section 3. i-ODIN (Regmi, ASCOOD, 2024) changes one
/// value of the image. Probabilities are in single precision as in the original; at T = 1000 they
/// are almost equal, with many ties.
package struct ImagePerturbation: Score {
    /// Which values of an image are changed.
    package enum Pixels: Sendable {
        case all
        /// The value with the largest absolute gradient; ties go to the first.
        case steepest
    }

    package let probe: (any NetworkProbe)?

    /// - Parameters:
    ///   - temperature: The divisor of the logits.
    ///   - magnitude: The change of a value, in units before normalisation, where values range from
    ///     0 to 1.
    package init(_ pixels: Pixels, temperature: Float = 1000, magnitude: Float = 0.0014) {
        precondition(
            temperature > 0 && magnitude >= 0, "a temperature of \(temperature), a magnitude of \(magnitude)")
        probe = PerturbedConfidence(pixels: pixels, temperature: temperature, magnitude: magnitude)
    }

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) { input.copyCaptured(into: &confidences, &predictions) }
}

extension ScoreInput {
    /// Overwrites both from captured values that are the confidence and the predicted class.
    func copyCaptured(
        into confidences: inout MutableSpan<Double>, _ predictions: inout MutableSpan<Int32>
    ) {
        for sample in 0..<count {
            let own = captured(of: sample)
            confidences[sample] = Double(own[0])
            predictions[sample] = Int32(own[1])
        }
    }
}

/// The confidence and the predicted class of the perturbed image, shape `[N, 2]`.
private struct PerturbedConfidence: NetworkProbe {
    let pixels: ImagePerturbation.Pixels
    let temperature: Float
    let magnitude: Float

    var key: String { "perturbed \(pixels) \(temperature) \(magnitude)" }

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        let classes = input.head.classes
        let gradient = try network.imageGradient(of: images, count: input.count) { logits in
            var result = logits
            for start in stride(from: 0, to: logits.count, by: classes) {
                let row = tempered(Array(logits[start..<start + classes]))
                let predicted = indexOfMaximum(row.span)
                let sum = exponentialSum(row.span, below: row[predicted])
                for k in row.indices {
                    let probability = exponential(row[k] - row[predicted]) / sum
                    result[start + k] = (probability - (k == predicted ? 1 : 0)) / temperature
                }
            }
            return result
        }
        let steepest = pixels == .all ? nil : steepestPlaces(gradient, count: input.count)
        let imageCount = gradient.count / max(input.count, 1)
        let changed = network.changed(images) { place in
            if let steepest, steepest[place / imageCount] != place { return 0 }
            return (gradient[place] >= 0 ? -magnitude : magnitude) / network.deviation[place % 3]
        }
        let logits = network.logits(of: try network.features(of: changed, count: input.count))
        var result: [Float] = []
        for start in stride(from: 0, to: logits.count, by: classes) {
            let row = tempered(Array(logits[start..<start + classes]))
            let predicted = indexOfMaximum(row.span)
            result += [1 / exponentialSum(row.span, below: row[predicted]), Float(predicted)]
        }
        return result
    }

    private func tempered(_ row: [Float]) -> [Float] { row.map { $0 / temperature } }

    private func steepestPlaces(_ gradient: [Float], count: Int) -> [Int] {
        let imageCount = gradient.count / max(count, 1)
        return (0..<count).map { sample in
            var best = sample * imageCount
            for place in best..<best + imageCount where abs(gradient[place]) > abs(gradient[best]) {
                best = place
            }
            return best
        }
    }
}
