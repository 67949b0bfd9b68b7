public import Kernels
internal import Workers

/// A network with its head: what is trained, evaluated and stored.
///
/// One thread at a time may use it.
public final class Classifier {
    /// Architecture.
    public let name: NetworkName
    public let headKind: HeadKind
    public let classes: Int
    /// All parameters, gradients and running statistics.
    public let parameters: ParameterStore
    /// Every convolution, in the order of the state dictionary.
    public let convolutionShapes: [ConvolutionShape]
    /// The path of each of them.
    public let convolutions: ConvolutionChoices
    let network: ResNet
    private let head: Head

    /// What comes after the features.
    private enum Head {
        case classifier(ClassifierHead)
        case projection(ProjectionHead)
    }

    /// A classifier with every parameter 0; initialise or load it.
    ///
    /// - Parameters:
    ///   - imageSize: Height and width of the images, instead of those the network is made for.
    ///   - convolutions: The path of each convolution.
    /// - Precondition: `convolutions` can compute the network's shapes.
    public init(
        _ name: NetworkName, head kind: HeadKind, classes: Int, imageSize: Int? = nil,
        convolutions: ConvolutionChoices = .shape
    ) {
        useOneThreadPerLibraryProduct()
        var architecture = name.architecture(imageSize: imageSize ?? name.imageSize)
        architecture.convolutions = convolutions
        let store = ParameterStore()
        let network = ResNet(architecture, in: store)
        head = Self.head(kind, architecture, dimension: network.featureDimension, classes: classes, in: store)
        store.allocate()
        self.network = network
        convolutionShapes = architecture.convolutionShapes
        self.convolutions = convolutions
        self.name = name
        headKind = kind
        self.classes = classes
        parameters = store
    }

    private static func head(
        _ kind: HeadKind, _ architecture: ResidualArchitecture, dimension: Int, classes: Int,
        in store: ParameterStore
    ) -> Head {
        let temperature: Float?
        switch kind {
        case .linear: temperature = nil
        case .t2fnorm(let own): temperature = own
        case .projection(let outputs):
            return .projection(ProjectionHead("head", dimension: dimension, outputs: outputs, in: store))
        }
        return .classifier(
            ClassifierHead(
                architecture.classifierName, temperature: temperature, dimension: dimension,
                classes: classes, weightInitializer: architecture.classifierWeight(dimension: dimension),
                in: store))
    }

    /// Width `D` of the feature.
    public var featureDimension: Int { network.featureDimension }
    /// Elements of one image, `H·W·C`.
    public var imageCount: Int { network.imageCount }

    /// The last layer as trained: weights, shape `[classes, D]`, and bias, shape `[classes]`.
    ///
    /// - Precondition: The head is a classifier.
    public var lastLayer: (weights: [Float], bias: [Float]) {
        precondition(headKind.isClassifier, "the last layer of a network with a projection head")
        let last = parameters.entries.suffix(2)
        return (parameters.elements(of: last.first!), parameters.elements(of: last.last!))
    }

    /// Bytes that a pass of this network takes in a process, images and the program itself not counted.
    public func memoryUse(_ pass: Pass) -> MemoryUse {
        let (tensors, sums, thread) = network.byteCounts(pass)
        let isTraining = pass.mode == .training
        let copies = isTraining ? 2 + pass.placement.partCount.trailingZeroBitCount : 1
        return MemoryUse(
            parameters: 4 * (parameters.parameterCount * copies + parameters.statistics.count),
            tensors: tensors + headByteCount(pass), sums: sums, threads: thread * pass.pool.threads)
    }

    private func headByteCount(_ pass: Pass) -> Int {
        switch head {
        case .classifier(let head): head.byteCount(pass)
        case .projection(let head): head.byteCount(pass)
        }
    }

    /// What one training pass saw.
    public struct LaneReport: Equatable, Sendable {
        /// Shape `[lanes, 2]`: for each of the rank's lanes the sum of the losses and the number of correct
        /// predictions, of which a network without a classifier has none.
        public let values: [Double]

        public init(values: [Double]) { self.values = values }
    }

    /// Runs forward and backward; sets every gradient to its sum over the rank's lanes.
    ///
    /// The gradient is that of the mean loss over the global batch, or of the loss of its pairs, so the sum over ranks is the whole. In a step of several parts,
    /// called for one after the other, gradients are set with the last one.
    ///
    /// - Parameters:
    ///   - images: Of the pass's samples, shape `[N, H, W, C]`, normalised.
    ///   - targets: Those of `N` samples.
    ///   - afterForward: Called between the two.
    /// - Throws: What summing across ranks throws.
    public func differentiate(
        images: borrowing Buffer<Float>, targets: BatchTargets, loss: TrainingLoss = .crossEntropy,
        _ pass: Pass, afterForward: () -> Void = {}
    ) throws -> LaneReport {
        precondition(pass.mode == .training, "a backward pass needs the batch's own statistics")
        precondition(
            loss.comparesPairs != headKind.isClassifier, "a loss of pairs and a projection head go together")
        parameters.reserveGradients(pass)
        try network.forward(images, store: parameters, pass)
        let report: [Double]
        switch head {
        case .classifier(let head):
            head.forward(network.features, parameters: parameters.values, pass)
            afterForward()
            report = head.backward(network.features, targets, loss, store: parameters, pass)
            try network.backward(
                images, featureGradient: head.featureGradient, store: parameters, pass)
        case .projection(let head):
            head.forward(network.features, parameters: parameters.values, pass)
            afterForward()
            report = try head.backward(network.features, targets.labels, store: parameters, pass)
            try network.backward(
                images, featureGradient: head.featureGradient, store: parameters, pass)
        }
        try followStatistics(pass)
        return LaneReport(values: report)
    }

    /// As `differentiate(images:targets:loss:_:afterForward:)` of the cross-entropy to `labels`.
    ///
    /// - Parameter labels: Shape `[N]`, each in `0..<classes`.
    public func differentiate(
        images: borrowing Buffer<Float>, labels: [Int32], _ pass: Pass
    ) throws -> LaneReport {
        try differentiate(images: images, targets: BatchTargets(labels), pass)
    }

    /// Moves the running statistics towards those of a step's batch, with its last part.
    private func followStatistics(_ pass: Pass) throws {
        guard pass.mode == .training, pass.placement.isLastPart else { return }
        try network.followStatistics(store: parameters, pass)
        parameters.batchCount += 1
    }

    /// The features and logits of a rank's samples.
    ///
    /// - Returns: Features, shape `[N, D]`, and logits as training and accuracy use them, shape `[N, classes]`. Of a network with a
    ///   projection head the features divided by their length, and no logits.
    public func forward(
        images: borrowing Buffer<Float>, _ pass: Pass
    ) throws -> (features: [Float], logits: [Float]) {
        try network.forward(images, store: parameters, pass)
        let samples = pass.placement.sampleCount
        switch head {
        case .classifier(let head):
            head.forward(network.features, parameters: parameters.values, pass)
            try followStatistics(pass)
            return (
                Array(network.features.copyToArray().prefix(samples * featureDimension)),
                Array(head.logits.copyToArray().prefix(samples * classes))
            )
        case .projection(let head):
            try followStatistics(pass)
            return (head.directions(network.features, pass), [])
        }
    }
}
