internal import Checksums
package import Datasets
package import Kernels
package import Networks
package import RunConfiguration

extension RunConfiguration {
    /// The names of all networks, for the configuration's checks.
    package static var knownNetworks: [String] { NetworkName.allCases.map(\.rawValue) }

    /// The network's head.
    package var headKind: HeadKind {
        switch head.name {
        case .linear: .linear
        case .t2fnorm: .t2fnorm(temperature: Float(head.temperature))
        case .projection: .projection(outputs: head.outputs)
        }
    }

    /// The loss that training minimises.
    package var trainingLoss: TrainingLoss {
        if loss.comparesPairs { return .reweightOOD }
        return TrainingLoss(
            logitTemperature: loss.name == .logitNorm ? Float(loss.temperature) : nil,
            smoothing: Float(loss.smoothing))
    }

    /// Samples per image in a step.
    var samplesPerImage: Int { mixing.name == .regMixup ? 2 : viewsPerImage }

    /// Views that the loader makes of each image.
    var viewsPerImage: Int { loss.comparesPairs ? 2 : 1 }

    /// A rank's batch size for validation, in whole microbatches. It is no larger than in a
    /// training step, because the watchdog derives from the step time how long a rank may go
    /// without making progress.
    func validationBatch(worldSize: Int) -> Int {
        let share = (training.batch + worldSize - 1) / worldSize
        return max(min(evaluation.batch, share) / training.microbatch, 1) * training.microbatch
    }

    /// A rank's part of a training step of `imageCount` images. A microbatch holds all samples of
    /// its images.
    func placement(imageCount: Int, rank: Int, worldSize: Int) -> BatchPlacement {
        BatchPlacement(
            sampleCount: imageCount * samplesPerImage, microbatchSize: training.microbatch * samplesPerImage,
            group: batchNorm.group * samplesPerImage, rank: rank, worldSize: worldSize)
    }

    /// Constants of the in-distribution set, with which every set is normalised.
    package var normalization: ChannelNormalization {
        ChannelNormalization(
            mean: data.transform.mean.map(Float.init),
            deviation: data.transform.standardDeviation.map(Float.init))
    }

    /// Resizing and square crop for evaluation.
    package var evaluationTransform: EvaluationTransform {
        EvaluationTransform(
            size: data.transform.size, shorterSide: data.transform.resizedSide, normalization: normalization)
    }

    /// Hash of the preprocessing, equal for evaluations that preprocess images alike, predict from the
    /// same images and compute in the same precision; 16 hexadecimal digits.
    package var preprocessingHash: String {
        let transform = data.transform
        let values =
            ([Double(transform.size), Double(transform.resizedSide)] + transform.mean
                + transform.standardDeviation + (evaluation.mirror ? [1] : [])
                + (evaluation.precision == .mixed ? [2] : []))
        return CRC64(values.map { "\($0)\n" }.joined().utf8).hexadecimal
    }

    /// The order of the `count` records of the training set.
    package func sampler(count: Int) -> Sampler {
        Sampler(
            seed: seed, count: count, blockSize: data.block, window: data.window == 0 ? nil : data.window,
            isShuffled: data.order == .shuffled)
    }

    /// The training augmentation of images of `data.transform.size`.
    package var trainingTransform: any ImageTransform { trainingTransform(size: data.transform.size) }

    /// The training augmentation.
    ///
    /// - Parameter size: Height and width of its results.
    func trainingTransform(size: Int) -> any ImageTransform {
        switch data.transform.crop {
        case .padded:
            PaddedCropTransform(
                size: size, padding: data.transform.padding, flips: data.transform.flip,
                normalization: normalization, decoding: decoding, colors: colors)
        case .resized:
            RandomResizedCropTransform(
                size: size, smallestArea: data.transform.smallestArea,
                flips: data.transform.flip, normalization: normalization, decoding: decoding,
                colors: colors)
        }
    }
}

extension RunConfiguration {
    /// `nil` if colours are not changed.
    private var colors: ColorJitter? {
        let color = data.transform.color
        let isJittered =
            color.probability > 0 && max(color.brightness, color.contrast, color.saturation, color.hue) > 0
        guard isJittered || color.gray > 0 else { return nil }
        return ColorJitter(
            brightness: Float(color.brightness), contrast: Float(color.contrast),
            saturation: Float(color.saturation), hue: Float(color.hue), probability: Float(color.probability),
            grayProbability: Float(color.gray))
    }

    private var decoding: JPEGDecoding { JPEGDecoding(rawValue: data.transform.decode.rawValue) ?? .exact }

    /// Refuses images of a size that `network` is not made for.
    package func checkImageSize(of network: NetworkName) throws(ConfigurationError) {
        try check(data.transform.size, of: network, key: "data.transform.size")
        for stage in training.sizes { try check(stage.size, of: network, key: "training.sizes") }
    }

    private func check(_ size: Int, of network: NetworkName, key: String) throws(ConfigurationError) {
        guard !network.takes(imageSize: size) else { return }
        throw ConfigurationError(key: key, found: "\(size)", expected: network.imageSizes)
    }
}

extension RunConfiguration {
    /// The configured network, after checking that it is made for images of the configured size.
    package func networkName() throws(ConfigurationError) -> NetworkName {
        guard let name = NetworkName(rawValue: network.name) else {
            throw ConfigurationError(
                key: "network.name", found: network.name,
                expected: "one of \(RunConfiguration.knownNetworks.joined(separator: ", "))")
        }
        try checkImageSize(of: name)
        guard compute.convolution != .autotune || data.transform.size == name.imageSize else {
            throw ConfigurationError(
                key: "compute.convolution", found: compute.convolution.rawValue,
                expected: "shape, winograd, tiled or library, as data.transform.size is not \(name.imageSize)"
            )
        }
        return name
    }
}

extension ComputeConfiguration {
    /// The selection of algorithms that needs no measurement; `nil` for `autotune`.
    var selection: AlgorithmSelection? { precision == .mixed ? .mixed : convolution.selection }
}

extension EvaluationConfiguration {
    /// The algorithms of evaluation where they are not those of training in single precision.
    package var selection: AlgorithmSelection? { precision == .mixed ? .mixed : nil }
}

extension ComputeConfiguration.Convolution {
    fileprivate var selection: AlgorithmSelection? {
        switch self {
        case .shape: .shape
        case .autotune: nil
        case .winograd: .fixed(algorithm: .winograd)
        case .tiled: .fixed(algorithm: .tiled)
        case .library: .fixed(algorithm: .library)
        }
    }
}

extension Classifier {
    /// The configured classifier, with every parameter 0.
    package convenience init(
        _ configuration: RunConfiguration, convolutions: AlgorithmSelection = .shape
    ) throws(ConfigurationError) {
        self.init(
            try configuration.networkName(), head: configuration.headKind,
            classes: configuration.network.classes, imageSize: configuration.data.transform.size,
            dropoutRate: configuration.network.dropout, convolutions: convolutions,
            evaluationConvolutions: configuration.evaluation.selection)
        guard configuration.network.dropout == 0 || hasDropout else {
            throw ConfigurationError(
                key: "network.dropout", found: "\(configuration.network.dropout)",
                expected: "0, as \(name.rawValue) has no dropout layers")
        }
        let parts = configuration.network.train
        guard !parts.isEmpty else { return }
        let unknown = train(only: parts, fixesStatistics: configuration.network.frozenStatistics == .fixed)
        guard let part = unknown.first else { return }
        throw ConfigurationError(
            key: "network.train", found: part,
            expected: "one of \(layerGroups.joined(separator: ", ")), or a layer below one of them",
            suggestion: nearestName(to: part, among: layerGroups))
    }

    /// Sets the parameters to those of a run's beginning.
    func initialize(_ configuration: RunConfiguration) throws(ConfigurationError) {
        parameters.initialize(seed: configuration.seed)
        guard configuration.network.zeroInit == .residual, zeroResidualScales() == 0 else { return }
        throw ConfigurationError(
            key: "network.zeroInit", found: "residual",
            expected: "none, as no block of \(name.rawValue) ends with a batch norm")
    }
}

extension TrainingConfiguration {
    /// Steps between two checkpoints that are kept permanently; 0 for none.
    func milestone(stepsPerEpoch: Int) -> Int {
        keepEvery * (checkpointEvery > 0 ? checkpointEvery : stepsPerEpoch)
    }
}
