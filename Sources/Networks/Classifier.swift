package import Kernels
package import Memory
internal import Workers

/// A network with its head: the model that is trained, evaluated and stored.
///
/// Not thread-safe: one thread at a time may use it.
public final class Classifier {
    /// The architecture.
    public let name: NetworkName
    /// The layers after the features.
    public let headKind: HeadKind
    /// The number of classes; a projection head does not use it.
    public let classes: Int
    /// All parameters, gradients and running statistics.
    package let parameters: ParameterStore
    /// Every convolution, in the order of the state dictionary.
    package let convolutionShapes: [ConvolutionShape]
    /// The algorithm of each convolution in training.
    package let convolutions: AlgorithmSelection
    /// The algorithm of each convolution in evaluation.
    package let evaluationConvolutions: AlgorithmSelection
    private(set) var network: FeatureExtractor
    /// The network for each size of images that has been used; all have the same parameters.
    private(set) var networks: [Int: FeatureExtractor]
    private let memory = PassMemory()
    /// Whether batch norms that are not trained keep their statistics.
    var fixesStatistics = false
    private let head: Head
    /// Tensors of the head at the end of the state dictionary.
    let headEntryCount: Int

    /// The layers after the features.
    private enum Head {
        case classifier(ClassifierHead)
        case projection(ProjectionHead)
    }

    /// A classifier with every parameter 0; initialise or load it.
    ///
    /// - Parameters:
    ///   - imageSize: Height and width of the images, if not those of `name`.
    ///   - dropoutRate: The fraction of elements that dropout layers set to 0 in training.
    ///   - convolutions: The algorithm of each convolution in training.
    ///   - evaluationConvolutions: The algorithm of each convolution in evaluation; by default the
    ///     same, but in single precision.
    /// - Precondition: `convolutions` can compute the network's shapes.
    package init(
        _ name: NetworkName, head kind: HeadKind, classes: Int, imageSize: Int? = nil,
        dropoutRate: Double = 0, convolutions: AlgorithmSelection = .shape,
        evaluationConvolutions: AlgorithmSelection? = nil
    ) {
        useOneThreadPerLibraryProduct()
        let backbone = name.backbone
        let graph = backbone.graph(imageSize: imageSize ?? name.imageSize, dropoutRate: dropoutRate)
        let store = ParameterStore()
        let evaluation = evaluationConvolutions ?? convolutions.ofEvaluation
        let network = FeatureExtractor(
            graph, PassSelection(training: convolutions, evaluation: evaluation), in: store, memory: memory)
        let entryCount = store.entries.count
        head = Self.head(kind, backbone, dimension: network.featureDimension, classes: classes, in: store)
        headEntryCount = store.entries.count - entryCount
        store.allocate()
        self.network = network
        networks = [graph.imageSize: network]
        convolutionShapes = graph.convolutionShapes
        self.convolutions = convolutions
        self.evaluationConvolutions = evaluation
        self.name = name
        headKind = kind
        self.classes = classes
        parameters = store
    }

    private static func head(
        _ kind: HeadKind, _ backbone: any Backbone, dimension: Int, classes: Int,
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
                backbone.classifierName, temperature: temperature, dimension: dimension,
                classes: classes, weightInitializer: backbone.classifierWeight(dimension: dimension),
                in: store))
    }

    /// Width `D` of the feature.
    public var featureDimension: Int { network.featureDimension }
    /// Elements of one image, `H·W·C`.
    package var imageCount: Int { network.imageCount }

    /// The last layer as trained: weights, shape `[classes, D]`, and bias, shape `[classes]`.
    ///
    /// - Precondition: The head is a classifier.
    package var lastLayer: (weights: [Float], bias: [Float]) {
        precondition(headKind.isClassifier, "the last layer of a network with a projection head")
        let last = parameters.entries.suffix(2)
        return (parameters.elements(of: last.first!), parameters.elements(of: last.last!))
    }

    /// Height and width of the images of the next passes.
    package var imageSize: Int { network.graph.imageSize }

    /// Whether dropout layers set elements to 0 in training.
    package var hasDropout: Bool { network.graph.hasDropout }

    /// Makes the next passes take images of `size` pixels a side.
    package func use(imageSize size: Int) {
        guard size != imageSize else { return }
        if let known = networks[size] {
            network = known
            return
        }
        network = FeatureExtractor(
            name.backbone.graph(imageSize: size, dropoutRate: network.graph.dropoutRate),
            PassSelection(training: convolutions, evaluation: evaluationConvolutions), in: parameters,
            memory: memory)
        network.fixStatisticsOfFrozenLayers(fixesStatistics)
        networks[size] = network
    }

    /// Bytes that a pass of this network takes in a process, without the images and the program
    /// itself.
    package func memoryUse(_ context: StepContext) -> MemoryUse {
        let (tensors, sums, thread) = network.byteCounts(context)
        let isTraining = context.mode == .training
        let copies = isTraining ? 2 + context.placement.accumulationSteps.trailingZeroBitCount : 1
        return MemoryUse(
            parameters: 4 * (parameters.parameterCount * copies + parameters.statistics.count),
            tensors: tensors + headByteCount(context), sums: sums, threads: thread * context.pool.threads)
    }

    private func headByteCount(_ context: StepContext) -> Int {
        switch head {
        case .classifier(let head): head.byteCount(context)
        case .projection(let head): head.byteCount(context)
        }
    }

    /// Loss and number of correct predictions of one training pass.
    package struct MicrobatchReport: Equatable, Sendable {
        /// Shape `[microbatches, 2]`: for each of the rank's microbatches the sum of the losses and
        /// the number of correct predictions, which is 0 for a network without a classifier.
        package let values: [Double]

        package init(values: [Double]) { self.values = values }
    }

    /// Runs the forward and the backward pass; sets every gradient to its sum over the rank's
    /// microbatches.
    ///
    /// The gradient is that of the mean loss over the global batch, or of the loss over its pairs,
    /// so the sum over ranks is the whole gradient. With gradient accumulation it is called for one
    /// accumulation step after the other, and the last call sets the gradients.
    ///
    /// - Parameters:
    ///   - images: Images of the pass's samples, shape `[N, H, W, C]`, normalised.
    ///   - targets: Targets of the `N` samples.
    ///   - afterForward: Called between the forward and the backward pass.
    /// - Throws: Errors of the all-reduce.
    package func differentiate(
        images: borrowing Buffer<Float>, targets: BatchTargets, loss: TrainingLoss = .crossEntropy,
        _ context: StepContext, afterForward: () -> Void = {}
    ) throws -> MicrobatchReport {
        precondition(context.mode == .training, "a backward pass needs the batch's own statistics")
        precondition(
            loss.comparesPairs != headKind.isClassifier, "a loss of pairs and a projection head go together")
        parameters.reserveGradients(context)
        try network.forward(images, store: parameters, context)
        let report: [Double]
        switch head {
        case .classifier(let head):
            head.forward(network.features, parameters: parameters.values, context)
            afterForward()
            report = head.backward(network.features, targets, loss, store: parameters, context)
            try network.backward(
                images, featureGradient: head.featureGradient, store: parameters, context)
        case .projection(let head):
            head.forward(network.features, parameters: parameters.values, context)
            afterForward()
            report = try head.backward(network.features, targets.labels, store: parameters, context)
            try network.backward(
                images, featureGradient: head.featureGradient, store: parameters, context)
        }
        try updateRunningStatistics(context)
        return MicrobatchReport(values: report)
    }

    /// `differentiate(images:targets:loss:_:afterForward:)` with the cross-entropy to `labels`.
    ///
    /// - Parameter labels: Shape `[N]`, each in `0..<classes`.
    package func differentiate(
        images: borrowing Buffer<Float>, labels: [Int32], _ context: StepContext
    ) throws -> MicrobatchReport {
        try differentiate(images: images, targets: BatchTargets(labels), context)
    }

    /// Updates the running statistics from a step's batch, after its last accumulation step.
    private func updateRunningStatistics(_ context: StepContext) throws {
        guard context.mode == .training, context.placement.isLastAccumulationStep else { return }
        try network.updateRunningStatistics(store: parameters, context)
        parameters.batchCount += 1
    }

    /// The features and logits of a rank's samples.
    ///
    /// - Returns: Features, shape `[N, D]`, and logits as training and accuracy use them, shape
    ///   `[N, classes]`. For a network with a projection head: the features divided by their L2
    ///   norm, and no logits.
    package func forward(
        images: borrowing Buffer<Float>, _ context: StepContext
    ) throws -> (features: [Float], logits: [Float]) {
        try network.forward(images, store: parameters, context)
        let samples = context.placement.sampleCount
        switch head {
        case .classifier(let head):
            head.forward(network.features, parameters: parameters.values, context)
            try updateRunningStatistics(context)
            return (
                Array(network.features.copyToArray().prefix(samples * featureDimension)),
                Array(head.logits.copyToArray().prefix(samples * classes))
            )
        case .projection(let head):
            try updateRunningStatistics(context)
            return (head.directions(network.features, context), [])
        }
    }
}
