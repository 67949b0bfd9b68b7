public import Kernels
public import Networks

extension ModelFile {
    /// The network of a file.
    ///
    /// Whatever stands in front of all of the network's names is taken off, and what wrappers add (`module`, `_orig_mod` …) wherever it is.
    /// The last layer is `fc`, `linear`, `classifier` or `head`, bare or in a sequence; `shortcut` may be called `downsample`, or the other
    /// way.
    ///
    /// - Parameters:
    ///   - name: The architecture; the one that fits names and shapes if `nil`.
    ///   - lastLayer: The last layer's name in the file, where it has another.
    ///   - takesLastLayer: Whether the file's last layer is wanted; else there may be any, or none.
    /// - Throws: What is missing, unexpected or of another shape or type; of long lists the first few.
    public func match(
        _ name: NetworkName? = nil, lastLayer: String? = nil, takesLastLayer: Bool = true
    ) throws(ExchangeError) -> ModelMatch {
        let names = FileTensors(self)
        let all = NetworkName.allCases.filter { name == nil || $0 == name }.map {
            TensorMatch(names, $0, lastLayer: lastLayer, takesLastLayer: takesLastLayer)
        }
        let fitting = all.filter(\.fits)
        if let match = fitting.first, fitting.count == 1 { return ModelMatch(self, match) }
        guard fitting.isEmpty else {
            let networks = fitting.map(\.network.rawValue)
            throw ExchangeError(
                path: path,
                reason: "is one of \(networks.joined(separator: ", ")); say which by --network \(networks[0])"
            )
        }
        guard let nearest = all.min(by: { $0.problemCount < $1.problemCount }) else {
            preconditionFailure("no networks")
        }
        throw name == nil ? noNetwork(nearest) : mismatch(nearest, names, lastLayer, takesLastLayer)
    }

    /// The network of a file, with its parameters and running statistics.
    ///
    /// The number of classes is that of the file's last layer; the head is T2FNorm's if the file has `tau`, else linear.
    ///
    /// - Parameters:
    ///   - name: The architecture.
    ///   - head: The head, instead of the one the file says.
    ///   - convolutions: The path of each convolution.
    /// - Throws: As `match(_:lastLayer:takesLastLayer:)`, and tensors with values that cannot be.
    public func makeClassifier(
        _ name: NetworkName, head: HeadKind? = nil, convolutions: ConvolutionChoices = .shape
    ) throws(ExchangeError) -> Classifier {
        try match(name).makeClassifier(head: head, convolutions: convolutions)
    }

    private func noNetwork(_ nearest: TensorMatch) -> ExchangeError {
        guard nearest.problemCount > (nearest.lastLayerProblem == nil ? 0 : 1) else {
            return ExchangeError(
                path: path, reason: "is a \(nearest.network.rawValue), but \(nearest.complaint)")
        }
        return ExchangeError(
            path: path,
            reason: """
                holds none of the networks \(NetworkName.allCases.map(\.rawValue).joined(separator: ", ")); nearest is \
                \(nearest.network.rawValue): \(nearest.complaint)
                """)
    }

    private func mismatch(
        _ match: TensorMatch, _ names: FileTensors, _ lastLayer: String?, _ takesLastLayer: Bool
    ) -> ExchangeError {
        let name = match.network
        let fitting = NetworkName.allCases.first { other in
            other != name
                && TensorMatch(names, other, lastLayer: lastLayer, takesLastLayer: takesLastLayer).fits
        }
        if let fitting {
            let summary = match.summary.isEmpty ? match.complaint : match.summary
            return ExchangeError(
                path: path,
                reason: """
                    holds a \(fitting.rawValue), not a \(name.rawValue) (\(summary)); give --network \
                    \(fitting.rawValue)
                    """)
        }
        let isFit = match.problemCount == 0
        return ExchangeError(
            path: path,
            reason:
                "\(isFit ? "is a \(name.rawValue), but" : "does not hold a \(name.rawValue):") \(match.complaint)"
        )
    }
}
