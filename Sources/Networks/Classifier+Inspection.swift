package import Kernels
internal import Workers

// What looks inside a network, or asks how its images would have to change: always with the running statistics.

extension Classifier {
    /// Stages of the network, the stem not counted.
    package var stageCount: Int { network.stageCount }

    /// Whether the original's rectifiers are modules, which hooks see: torchvision's are, those for small images are functions.
    package var hasRectifierModules: Bool { network.pooling != nil }

    /// Channels and positions of a stage's map; 0 is the stem with its pooling.
    package func mapShape(ofStage stage: Int) -> (channels: Int, positions: Int) {
        network.mapShape(ofStage: stage)
    }

    /// The features of a rank's samples, shape `[N, D]`; what layers give on the way is shown.
    ///
    /// - Parameters:
    ///   - pass: In evaluation the stages are shown, in inspection every convolution and rectifier too.
    ///   - observe: Sees each layer once.
    package func features(
        images: borrowing Buffer<Float>, _ pass: Pass, observing observe: @escaping LayerObserver
    ) throws -> [Float] {
        precondition(pass.mode != .training, "a training pass changes statistics")
        try network.forward(images, store: parameters, pass, observe: observe)
        return features(pass)
    }

    /// Shows the stem's layers, and goes no further.
    ///
    /// - Parameter pass: In inspection.
    package func showStem(
        images: borrowing Buffer<Float>, _ pass: Pass, to observe: @escaping LayerObserver
    ) throws {
        precondition(pass.mode == .inspection, "a pass over the stem in mode \(pass.mode)")
        try network.forwardStem(images, store: parameters, pass, observe: observe)
    }

    /// Channels of every convolution, and of every rectifier if asked, in the order in which inspection shows them.
    package func observedChannels(rectifiers: Bool) -> [Int] {
        network.observedChannels(rectifiers: rectifiers)
    }

    /// The features, shape `[N, D]`, that the rest of the network makes of a map in the place of a stage's.
    ///
    /// - Parameters:
    ///   - map: Shape `[N, positions, channels]`; finished values.
    ///   - stage: From 1 to `stageCount`.
    package func features(
        ofMap map: consuming Buffer<Float>, afterStage stage: Int, _ pass: Pass
    ) -> [Float] {
        network.forward(map, afterStage: stage, store: parameters, pass)
        return features(pass)
    }

    /// The features, shape `[N, D]`, and the gradient of the images, shape `[N, H, W, 3]`.
    ///
    /// - Parameters:
    ///   - pass: In inspection.
    ///   - featureGradient: Gets the features; gives the gradient of what is asked about with respect to them, shape `[N, D]`.
    package func imageGradient(
        images: borrowing Buffer<Float>, _ pass: Pass, featureGradient: (_ features: [Float]) -> [Float]
    ) throws -> (features: [Float], gradient: [Float]) {
        precondition(pass.mode == .inspection, "a gradient of images in mode \(pass.mode)")
        try network.forward(images, store: parameters, pass)
        let features = features(pass)
        let gradient = Buffer(featureGradient(features), default: 0)
        try network.backward(images, featureGradient: gradient, store: parameters, pass)
        return (features, imageGradient(pass))
    }

    /// The gradient of the images, shape `[N, H, W, 3]`, of something that looks at the stem's map.
    ///
    /// - Parameters:
    ///   - pass: In inspection.
    ///   - observe: Sees the stem's layers; `.stage(0)` is its map.
    ///   - mapGradient: The gradient with respect to the map, shape `[N, positions, channels]`; asked for when the map has been
    ///     seen.
    package func imageGradient(
        images: borrowing Buffer<Float>, _ pass: Pass, observing observe: @escaping LayerObserver,
        mapGradient: () -> [Float]
    ) throws -> [Float] {
        precondition(pass.mode == .inspection, "a gradient of images in mode \(pass.mode)")
        try network.forwardStem(images, store: parameters, pass, observe: observe)
        var gradient = Buffer(mapGradient(), default: 0)
        network.backwardStem(&gradient, store: parameters, pass)
        return imageGradient(pass)
    }

    private func features(_ pass: Pass) -> [Float] {
        Array(network.features.copyToArray().prefix(pass.sampleCount * featureDimension))
    }

    private func imageGradient(_ pass: Pass) -> [Float] {
        Array(network.imageGradient.copyToArray().prefix(pass.sampleCount * imageCount))
    }
}
