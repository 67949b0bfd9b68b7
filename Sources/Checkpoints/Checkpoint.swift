package import Kernels
package import Networks
package import Software

/// A snapshot of a run.
package struct Checkpoint: Sendable {
    /// A named tensor in PyTorch's order and shape.
    package struct Tensor: Equatable, Sendable {
        package var name: String
        package var shape: [Int]
        package var elements: [Float]

        package init(name: String, shape: [Int], elements: [Float]) {
            self.name = name
            self.shape = shape
            self.elements = elements
        }
    }

    /// The architecture's name.
    package var network: String
    /// Classes of the last layer.
    package var classes: Int
    /// τ of a T2FNorm head; `nil` for any other head.
    package var temperature: Float?
    /// Output width of a projection head; `nil` for a classifier.
    package var projection: Int?
    /// The algorithm of each convolution.
    package var convolutions: AlgorithmSelection
    package var position: TrainingPosition
    /// The resolved configuration as YAML.
    package var configuration: String
    /// Fingerprint of the training set.
    package var dataFingerprint: String
    /// The state dictionary, in PyTorch's order.
    package var state: [Tensor]
    /// The values that training keeps beside the state; empty if only the model is stored.
    package var slots: [Slot]
    /// The version of this program that wrote the file; `nil` if the checkpoint is not from a file
    /// or the file does not contain it.
    package var softwareVersion: String?
    /// The program and the libraries that wrote the file, or will; `nil` if unknown.
    package var software: SoftwareRecord?

    /// A snapshot of `classifier`.
    ///
    /// - Parameter slots: Tensors in the order of the store's entries, each in PyTorch's order.
    package init(
        _ classifier: Classifier, slots: [Slot], position: TrainingPosition, configuration: String,
        dataFingerprint: String
    ) {
        self.init(
            headOf: classifier, position: position, configuration: configuration,
            dataFingerprint: dataFingerprint)
        state = classifier.parameters.entries.map {
            Tensor(name: $0.name, shape: $0.shape, elements: classifier.parameters.elements(of: $0))
        }
        self.slots = slots
    }

    /// A snapshot of `classifier` without its tensors.
    init(
        headOf classifier: Classifier, position: TrainingPosition, configuration: String,
        dataFingerprint: String
    ) {
        self.init(
            network: classifier.name.rawValue, classes: classifier.classes, head: classifier.headKind,
            convolutions: classifier.convolutions, position: position, configuration: configuration,
            dataFingerprint: dataFingerprint)
    }

    init(
        network: String, classes: Int, head: HeadKind, convolutions: AlgorithmSelection,
        position: TrainingPosition, configuration: String, dataFingerprint: String
    ) {
        self.network = network
        self.classes = classes
        switch head {
        case .linear: break
        case .t2fnorm(let temperature): self.temperature = temperature
        case .projection(let outputs): projection = outputs
        }
        self.convolutions = convolutions
        self.position = position
        self.configuration = configuration
        self.dataFingerprint = dataFingerprint
        state = []
        slots = []
    }

    /// The layers after the features.
    package var headKind: HeadKind {
        if let projection { return .projection(outputs: projection) }
        return temperature.map { .t2fnorm(temperature: $0) } ?? .linear
    }

    /// The classifier of the snapshot's model, with its parameters and running statistics.
    ///
    /// - Parameters:
    ///   - path: Where the snapshot came from, for the error.
    ///   - evaluationConvolutions: The algorithms of evaluation; by default those of training in single
    ///     precision.
    package func makeClassifier(
        path: String, evaluationConvolutions: AlgorithmSelection? = nil
    ) throws(CheckpointError) -> Classifier {
        guard let name = NetworkName(rawValue: network) else {
            throw CheckpointError(path: path, reason: "network '\(network)' is unknown to this version")
        }
        try checkConvolutions(of: name, path: path)
        let classifier = Classifier(
            name, head: headKind, classes: classes, convolutions: convolutions,
            evaluationConvolutions: evaluationConvolutions)
        try model.restore(classifier, path: path)
        return classifier
    }

    /// Refuses stored algorithms with which this program cannot compute the convolutions of `name`.
    package func checkConvolutions(of name: NetworkName, path: String) throws(CheckpointError) {
        guard convolutions.canCompute(name.convolutionShapes) else {
            throw CheckpointError(
                path: path,
                reason: """
                    contains convolution algorithms with which this version cannot compute a \(name.rawValue); use the \
                    version that wrote it
                    """)
        }
    }

    /// Overwrites the parameters and running statistics of `classifier`.
    ///
    /// - Throws: If it is another network; the error names the first tensor that is missing,
    ///   unexpected or of another shape.
    package func restore(_ classifier: Classifier, path: String) throws(CheckpointError) {
        guard network == classifier.name.rawValue else {
            throw CheckpointError(
                path: path, reason: "holds a \(network), expected a \(classifier.name.rawValue)")
        }
        let entries = classifier.parameters.entries
        let tensors = Dictionary(state.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for entry in entries {
            guard let tensor = tensors[entry.name] else {
                throw CheckpointError(path: path, reason: "tensor '\(entry.name)' is missing")
            }
            guard tensor.shape == entry.shape else {
                throw CheckpointError(
                    path: path,
                    reason: "tensor '\(entry.name)' has shape \(tensor.shape), expected \(entry.shape)")
            }
        }
        let known = Set(entries.map(\.name))
        if let left = state.first(where: { !known.contains($0.name) }) {
            throw CheckpointError(path: path, reason: "tensor '\(left.name)' is not one of \(network)")
        }
        for entry in entries {
            classifier.parameters.setElements(of: entry, to: tensors[entry.name]!.elements)
        }
    }
}
