package import Kernels
package import Networks

/// A file whose tensors match a network.
package struct ModelMatch {
    package let network: NetworkName
    private let path: String
    private let match: TensorMatch
    /// Notes on removed prefixes, choices and ignored tensors, one sentence each.
    package let notes: [String]

    init(_ file: ModelFile, _ match: TensorMatch) {
        network = match.network
        path = file.path
        self.match = match
        notes = Self.notes(file, match)
    }

    /// Rows of the file's last layer; `nil` if it is not used.
    package var classes: Int? { match.lastLayer?.classes }

    /// τ of the file, if it has one.
    package var temperature: Float? { match.temperature }

    /// The head of the file: T2FNorm's if it has τ, else linear.
    package var headKind: HeadKind { match.temperature.map { .t2fnorm(temperature: $0) } ?? .linear }

    /// The network with the file's parameters and running statistics.
    ///
    /// - Parameters:
    ///   - head: The head, instead of the file's.
    ///   - convolutions: The algorithm of each convolution.
    /// - Precondition: The file's last layer is used, and `head` is a classifier.
    /// - Throws: If a tensor has invalid values: NaN, infinite, or a negative variance or count.
    package func makeClassifier(
        head: HeadKind? = nil, convolutions: AlgorithmSelection = .shape
    ) throws(ExchangeError) -> Classifier {
        guard let classes else { preconditionFailure("a classifier of a file without its last layer") }
        let classifier = Classifier(
            network, head: head ?? headKind, classes: classes, convolutions: convolutions)
        try copy(into: classifier)
        return classifier
    }

    /// The network with the file's parameters and running statistics up to the features, and a head
    /// initialised as for training.
    ///
    /// - Parameters:
    ///   - seed: The random seed of the head: its tensors are those of a network initialised with
    ///     this seed.
    ///   - convolutions: The algorithm of each convolution.
    /// - Throws: Like `makeClassifier(head:convolutions:)`.
    package func makeClassifier(
        newHead head: HeadKind, classes: Int, seed: UInt64, convolutions: AlgorithmSelection = .shape
    ) throws(ExchangeError) -> Classifier {
        let classifier = Classifier(network, head: head, classes: classes, convolutions: convolutions)
        classifier.parameters.initialize(seed: seed)
        try copy(into: classifier)
        return classifier
    }

    private func copy(into classifier: Classifier) throws(ExchangeError) {
        for (entry, found) in zip(classifier.parameters.entries, match.tensors) {
            guard let (name, tensor) = found else { continue }
            if entry.role == .batchCount {
                classifier.parameters.batchCount = try batchCount(tensor, name)
                continue
            }
            let elements = tensor.floats()
            try check(elements, of: entry, name)
            classifier.parameters.setElements(of: entry, to: elements)
        }
    }

    private func batchCount(_ tensor: StoredTensor, _ name: String) throws(ExchangeError) -> Int {
        let count = tensor.firstInteger
        guard (0...1 << 53).contains(count) else {
            throw ExchangeError(
                path: path,
                reason: "tensor '\(shown(name))' is \(count), expected a count of batches from 0 to 2⁵³")
        }
        return count
    }

    private func check(_ elements: [Float], of entry: TensorEntry, _ name: String) throws(ExchangeError) {
        if let place = elements.firstIndex(where: { !$0.isFinite }) {
            throw ExchangeError(
                path: path,
                reason: """
                    tensor '\(shown(name))' holds a NaN or infinite value: \(elements[place]) is element \(place) of \(elements.count); \
                    the training that wrote it diverged, take an earlier checkpoint
                    """)
        }
        guard entry.name.hasSuffix("running_var"), let place = elements.firstIndex(where: { $0 < 0 }) else {
            return
        }
        throw ExchangeError(
            path: path,
            reason: """
                tensor '\(shown(name))' holds a negative variance: \(elements[place]) is element \(place) of \(elements.count), expected 0 \
                or more; the file is damaged
                """)
    }
}

extension ModelMatch {
    private static func notes(_ file: ModelFile, _ match: TensorMatch) -> [String] {
        var notes: [String] = []
        if let key = file.key { notes.append("the state dictionary is that of the key '\(shown(key))'") }
        let first = match.tensors.first.flatMap { $0 }?.name ?? ""
        let prefix =
            first.hasSuffix("conv1.weight") ? String(first.dropLast("conv1.weight".count)) : match.prefix
        if !prefix.isEmpty { notes.append("the prefix '\(shown(prefix))' is removed from the names") }
        if let layer = match.lastLayer?.name, !["fc", "linear"].map({ match.prefix + $0 }).contains(layer) {
            notes.append("the last layer is '\(shown(layer))'")
        }
        if !match.passedOver.isEmpty {
            let count = match.passedOver.count
            notes.append(
                "\(count) \(count == 1 ? "tensor is" : "tensors are") ignored: \(shownList(match.passedOver))"
            )
        }
        return notes
    }
}
