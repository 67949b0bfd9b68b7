public import Kernels
public import Networks

extension ModelFile {
    /// The network of a file, with its parameters and running statistics.
    ///
    /// The number of classes is that of the file's last layer; the head is T2FNorm's if the file has `tau`, else linear. Wrappers' prefixes are
    /// taken off (`module.`, `backbone.`, `_orig_mod.`); `fc` may be called `linear`, and `shortcut` `downsample`, or the other way.
    ///
    /// - Parameters:
    ///   - name: The architecture, which a file does not say.
    ///   - head: The head, instead of the one the file says.
    ///   - convolutions: The path of each convolution.
    /// - Throws: All tensors at once that are missing, unexpected or of another shape or type; one with a number that is none.
    public func makeClassifier(
        _ name: NetworkName, head: HeadKind? = nil, convolutions: ConvolutionChoices = .shape
    ) throws(ExchangeError) -> Classifier {
        let classes = try classes
        let match = TensorMatch(tensors, entries: name.stateEntries(classes: classes))
        guard match.fits else { throw mismatch(match, name, classes: classes) }
        let kind = head ?? match.temperature.map { .t2fnorm(temperature: $0) } ?? .linear
        let classifier = Classifier(name, head: kind, classes: classes, convolutions: convolutions)
        for (entry, tensor) in zip(classifier.parameters.entries, match.tensors) {
            guard let tensor else { continue }
            let elements = tensor.floats()
            guard elements.allSatisfy(\.isFinite) else {
                throw ExchangeError(
                    path: path, reason: "tensor '\(entry.name)' holds a number that is none, or infinite")
            }
            classifier.parameters.setElements(of: entry, to: elements)
        }
        return classifier
    }

    /// Rows of the last layer's weights.
    private var classes: Int {
        get throws(ExchangeError) {
            let last = tensors.first { ["fc.weight", "linear.weight"].contains(TensorNames.bare($0.name)) }
            guard let last else {
                throw ExchangeError(
                    path: path,
                    reason: """
                        has no last layer: expected fc.weight or linear.weight among its \(tensors.count) tensors \
                        (\(tensors.prefix(400).map { shown($0.name) }.joined(separator: ", ")))
                        """)
            }
            guard last.tensor.shape.count == 2, (2...1_000_000).contains(last.tensor.shape[0]) else {
                throw ExchangeError(
                    path: path,
                    reason: "\(shown(last.name)) has shape \(last.tensor.shape), expected [classes, features]"
                )
            }
            return last.tensor.shape[0]
        }
    }

    private func mismatch(_ match: TensorMatch, _ name: NetworkName, classes: Int) -> ExchangeError {
        let fitting = NetworkName.allCases.first { other in
            other != name
                && TensorMatch(tensors, entries: other.stateEntries(classes: classes)).fits
        }
        if let fitting {
            return ExchangeError(
                path: path,
                reason: """
                    holds a \(fitting.rawValue), not a \(name.rawValue) (\(match.summary)); give --network \
                    \(fitting.rawValue)
                    """)
        }
        return ExchangeError(path: path, reason: "does not hold a \(name.rawValue): \(match.complaint)")
    }
}
