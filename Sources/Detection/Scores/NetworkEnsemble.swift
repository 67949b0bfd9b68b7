package import Inference
internal import Kernels
internal import Memory

extension ScoreDefinition {
    /// The largest probability of the mean logits of several networks.
    public static let ensemble = ScoreDefinition(
        "ensemble", "max softmax of the mean z of several networks",
        citation: "Lakshminarayanan et al., NeurIPS 2017, arXiv 1612.01474, section 2.4", inputs: .members,
        traits: ScoreTraits(passes: "1 forward pass of each other network for each image scored")
    ) { _ in NetworkEnsemble() }
}

/// `ensemble`: the largest softmax probability of the mean logits of several networks.
///
/// Lakshminarayanan, Pritzel, Blundell: "Simple and scalable predictive uncertainty estimation
/// using deep ensembles", NeurIPS 2017, arXiv 1612.01474, section 2.4. Logits are averaged instead
/// of probabilities, as in OpenOOD. The networks are the scored one and the members given to the
/// evaluation; a T2FNorm network contributes the logits that scores see.
package struct NetworkEnsemble: Score {
    package let probe: (any NetworkProbe)? = MeanLogits()

    package init() {}

    package func evaluate(
        _ input: borrowing ScoreInput, confidences: inout MutableSpan<Double>,
        predictions: inout MutableSpan<Int32>
    ) {
        for sample in 0..<input.count {
            let logits = input.captured(of: sample)
            confidences[sample] = Double(largestProbability(logits))
            predictions[sample] = Int32(indexOfMaximum(logits))
        }
    }
}

/// The mean logits of the network and its members, summed in double precision; shape `[N, K]`.
private struct MeanLogits: NetworkProbe {
    let key = "mean logits"

    func values(
        of images: borrowing Buffer<Float>, _ input: borrowing ScoreInput, in network: InspectedNetwork
    ) throws -> [Float] {
        precondition(!network.members.isEmpty, "an ensemble of one network")
        let own = input.logits
        var sums = own.indices.map { Double(own[$0]) }
        for member in network.members {
            let logits = member.logits(of: try member.features(of: images, count: input.count))
            for (place, value) in logits.enumerated() { sums[place] += Double(value) }
        }
        return sums.map { Float($0 / Double(network.members.count + 1)) }
    }
}
