internal import Checksums
public import Datasets
public import Kernels
public import Networks
public import RunConfiguration

extension RunConfiguration {
    /// The names that this program knows, for the configuration's checks.
    public static var knownNetworks: [String] { NetworkName.allCases.map(\.rawValue) }

    /// The head, as the network has it.
    public var headKind: HeadKind {
        switch head.name {
        case .linear: .linear
        case .t2fnorm: .t2fnorm(temperature: Float(head.temperature))
        case .projection: .projection(outputs: head.outputs)
        }
    }

    /// What training minimises.
    public var trainingLoss: TrainingLoss {
        if loss.comparesPairs { return .reweightOOD }
        return TrainingLoss(
            logitTemperature: loss.name == .logitNorm ? Float(loss.temperature) : nil,
            smoothing: Float(loss.smoothing))
    }

    /// Samples that the network sees of each image in a step.
    var samplesPerImage: Int { mixing.name == .regMixup ? 2 : viewsPerImage }

    /// Samples that the loader makes of each image.
    var viewsPerImage: Int { loss.comparesPairs ? 2 : 1 }

    /// Images that a rank takes at a time for validation, whole lanes: no more than in a step, by whose time the watchdog
    /// knows how long a rank may go without getting on.
    func validationBatch(worldSize: Int) -> Int {
        let share = (training.batch + worldSize - 1) / worldSize
        return max(min(evaluation.batch, share) / training.lane, 1) * training.lane
    }

    /// A rank's share of a training step of `imageCount` images. A lane holds all samples of its images.
    func placement(imageCount: Int, rank: Int, worldSize: Int) -> BatchPlacement {
        BatchPlacement(
            sampleCount: imageCount * samplesPerImage, laneSize: training.lane * samplesPerImage,
            group: batchNorm.group * samplesPerImage, rank: rank, worldSize: worldSize)
    }

    /// Constants of the in-distribution set, which every set is normalised with.
    public var normalization: ChannelNormalization {
        ChannelNormalization(
            mean: data.transform.mean.map(Float.init),
            deviation: data.transform.standardDeviation.map(Float.init))
    }

    /// Resize and square for evaluation.
    public var evaluationTransform: EvaluationTransform {
        EvaluationTransform(
            size: data.transform.size, shorterSide: data.transform.resizedSide, normalization: normalization)
    }

    /// Equal for evaluations that read images alike; 16 hexadecimal digits.
    public var preprocessingHash: String {
        let transform = data.transform
        let values =
            ([Double(transform.size), Double(transform.resizedSide)] + transform.mean
                + transform.standardDeviation)
        return CRC64(values.map { "\($0)\n" }.joined().utf8).hexadecimal
    }

    /// The order of the `count` records of the training set.
    public func sampler(count: Int) -> Sampler {
        Sampler(
            seed: seed, count: count, blockSize: data.block, window: data.window == 0 ? nil : data.window,
            isShuffled: data.order == .shuffled)
    }

    /// The augmentation.
    public var trainingTransform: any ImageTransform {
        switch data.transform.crop {
        case .padded:
            PaddedCropTransform(
                size: data.transform.size, padding: data.transform.padding, mirrors: data.transform.flip,
                normalization: normalization, decoding: decoding, colors: colors)
        case .resized:
            RandomResizedCropTransform(
                size: data.transform.size, smallestArea: data.transform.smallestArea,
                mirrors: data.transform.flip, normalization: normalization, decoding: decoding,
                colors: colors)
        }
    }
}

extension RunConfiguration {
    /// `nil` where colours stay as they are.
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

    /// Refuses images of another size than `network` is made for.
    public func checkImageSize(of network: NetworkName) throws(ConfigurationError) {
        guard data.transform.size == network.imageSize else {
            throw ConfigurationError(
                key: "data.transform.size", found: "\(data.transform.size)",
                expected: "\(network.imageSize), the size of the images of \(network.rawValue)")
        }
    }
}

extension RunConfiguration {
    /// The network that is asked for, made for the images that there are.
    public func networkName() throws(ConfigurationError) -> NetworkName {
        guard let name = NetworkName(rawValue: network.name) else {
            throw ConfigurationError(
                key: "network.name", found: network.name,
                expected: "one of \(RunConfiguration.knownNetworks.joined(separator: ", "))")
        }
        try checkImageSize(of: name)
        return name
    }
}

extension ComputeConfiguration.Convolution {
    /// The paths that need no measurement; `nil` for those that do.
    var choices: ConvolutionChoices? {
        switch self {
        case .shape: .shape
        case .measured: nil
        case .winograd: .fixed(path: .winograd)
        case .tiled: .fixed(path: .tiled)
        case .library: .fixed(path: .library)
        }
    }
}

extension Classifier {
    /// The classifier that `configuration` asks for, every parameter 0.
    public convenience init(
        _ configuration: RunConfiguration, convolutions: ConvolutionChoices = .shape
    ) throws(ConfigurationError) {
        self.init(
            try configuration.networkName(), head: configuration.headKind,
            classes: configuration.network.classes, convolutions: convolutions)
    }
}
