package import Memory
internal import Workers

// Captured activations, and gradients with respect to the images; both use the running statistics.

extension Classifier {
    /// Number of stages, without the stem.
    package var stageCount: Int { network.stageCount }

    /// Whether ReLUs are modules in the original network, so that PyTorch's hooks see them: in
    /// torchvision's networks they are, in those for small images they are functions.
    package var hasReLUModules: Bool { name.backbone.hasReLUModules }

    /// Channels and positions of a stage's output; stage 0 is the stem with its pooling.
    package func mapShape(ofStage stage: Int) -> (channels: Int, positions: Int) {
        network.mapShape(ofStage: stage)
    }

    /// The features of a rank's samples, shape `[N, D]`; `observe` receives the outputs of the
    /// layers.
    ///
    /// - Parameters:
    ///   - context: In evaluation mode `observe` receives the stages, in inspection mode every
    ///     convolution and ReLU too.
    ///   - observe: Called once for each layer.
    package func features(
        images: borrowing Buffer<Float>, _ context: StepContext, observing observe: @escaping LayerObserver
    ) throws -> [Float] {
        precondition(context.mode != .training, "a training pass changes statistics")
        try network.forward(images, store: parameters, context, observe: observe)
        return features(context)
    }

    /// Runs only the stem and passes its layers to `observe`.
    ///
    /// - Parameter context: Its mode is inspection.
    package func showStem(
        images: borrowing Buffer<Float>, _ context: StepContext, to observe: @escaping LayerObserver
    ) throws {
        precondition(context.mode == .inspection, "a pass over the stem in mode \(context.mode)")
        try network.forwardStem(images, store: parameters, context, observe: observe)
    }

    /// Channels of every convolution, and with `relus` of every ReLU, in the order in which
    /// inspection passes them to the observer.
    package func observedChannels(relus: Bool) -> [Int] {
        network.observedChannels(relus: relus)
    }

    /// The features, shape `[N, D]`, that the layers after `stage` compute from a map that replaces
    /// the stage's output.
    ///
    /// - Parameters:
    ///   - map: Shape `[N, positions, channels]`; finished values.
    ///   - stage: From 1 to `stageCount`.
    package func features(
        ofMap map: consuming Buffer<Float>, afterStage stage: Int, _ context: StepContext
    ) throws -> [Float] {
        try network.forward(map, afterStage: stage, store: parameters, context)
        return features(context)
    }

    /// The features, shape `[N, D]`, and the gradient of the images, shape `[N, H, W, 3]`.
    ///
    /// - Parameters:
    ///   - context: Its mode is inspection.
    ///   - featureGradient: Receives the features; returns the gradient with respect to them, shape
    ///     `[N, D]`, of the function of interest.
    package func imageGradient(
        images: borrowing Buffer<Float>, _ context: StepContext,
        featureGradient: (_ features: [Float]) -> [Float]
    ) throws -> (features: [Float], gradient: [Float]) {
        precondition(context.mode == .inspection, "a gradient of images in mode \(context.mode)")
        try network.forward(images, store: parameters, context)
        let features = features(context)
        let gradient = Buffer(featureGradient(features), default: 0)
        try network.backward(images, featureGradient: gradient, store: parameters, context)
        return (features, imageGradient(context))
    }

    /// The gradient with respect to the images, shape `[N, H, W, 3]`, of a function of the stem's
    /// output.
    ///
    /// - Parameters:
    ///   - context: Its mode is inspection.
    ///   - observe: Called for the stem's layers; `.stage(0)` is its output.
    ///   - mapGradient: The gradient with respect to the stem's output, shape
    ///     `[N, positions, channels]`; called after `observe`.
    package func imageGradient(
        images: borrowing Buffer<Float>, _ context: StepContext, observing observe: @escaping LayerObserver,
        mapGradient: () -> [Float]
    ) throws -> [Float] {
        precondition(context.mode == .inspection, "a gradient of images in mode \(context.mode)")
        try network.forwardStem(images, store: parameters, context, observe: observe)
        let gradient = Buffer(mapGradient(), default: 0)
        try network.backwardStem(gradient, store: parameters, context)
        return imageGradient(context)
    }

    private func features(_ context: StepContext) -> [Float] {
        Array(network.features.copyToArray().prefix(context.sampleCount * featureDimension))
    }

    private func imageGradient(_ context: StepContext) -> [Float] {
        Array(network.imageGradient.copyToArray().prefix(context.sampleCount * imageCount))
    }
}
