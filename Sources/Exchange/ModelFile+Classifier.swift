package import Kernels
public import Networks

extension ModelFile {
    /// Matches the file's tensors to a network.
    ///
    /// A prefix common to all of the network's names is removed, and the parts that wrappers add
    /// (`module`, `_orig_mod` …) anywhere in a name. The last layer is `fc`, `linear`, `classifier`
    /// or `head`, bare or in a sequence; `shortcut` and `downsample` are the same.
    ///
    /// - Parameters:
    ///   - name: The architecture; if `nil`, the architecture that fits names and shapes.
    ///   - lastLayer: The last layer's name in the file, if it has another name.
    ///   - takesLastLayer: Whether to use the file's last layer; if not, it may be any layer or
    ///     missing.
    /// - Throws: An error that lists tensors that are missing, unexpected, or of a wrong shape or
    ///   type; of long lists the first few.
    package func match(
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
                reason:
                    "is one of \(networks.joined(separator: ", ")); choose one with --network \(networks[0])"
            )
        }
        guard let nearest = all.min(by: { $0.problemCount < $1.problemCount }) else {
            preconditionFailure("no networks")
        }
        throw name == nil ? noNetwork(nearest) : mismatch(nearest, names, lastLayer, takesLastLayer)
    }

    /// Makes the network of a file, with its parameters and running statistics.
    ///
    /// The number of classes is that of the file's last layer; the head is T2FNorm's if the file
    /// has `tau`, else linear.
    ///
    /// - Parameters:
    ///   - name: The architecture.
    ///   - head: The head, instead of the file's.
    ///   - convolutions: The algorithm of each convolution.
    /// - Throws: Like `match(_:lastLayer:takesLastLayer:)`, and for tensors with invalid values.
    package func makeClassifier(
        _ name: NetworkName, head: HeadKind? = nil, convolutions: AlgorithmSelection = .shape
    ) throws(ExchangeError) -> Classifier {
        try match(name).makeClassifier(head: head, convolutions: convolutions)
    }

    /// Makes the network of a file, with its parameters and running statistics.
    ///
    /// The number of classes is that of the file's last layer; the head is T2FNorm's if the file
    /// has `tau`, else linear.
    ///
    /// - Parameter name: The architecture; `nil` for the one that names and shapes fit.
    /// - Throws: If tensors are missing, unexpected, of a wrong shape or type, or have invalid
    ///   values.
    public func network(_ name: NetworkName? = nil) throws(ExchangeError) -> Classifier {
        try match(name).makeClassifier()
    }

    /// Names and shapes of the file's tensors, as PyTorch has them, in the file's order; for
    /// safetensors, in the order of their offsets.
    public var shapes: [(name: String, shape: [Int])] { tensors.map { ($0.name, $0.tensor.shape) } }

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
