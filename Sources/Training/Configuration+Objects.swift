public import Datasets
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
        }
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

    /// The augmentation.
    public var trainingTransform: any ImageTransform {
        switch data.transform.crop {
        case .padded:
            PaddedCropTransform(
                size: data.transform.size, padding: data.transform.padding, mirrors: data.transform.flip,
                normalization: normalization)
        case .resized:
            RandomResizedCropTransform(
                size: data.transform.size, mirrors: data.transform.flip, normalization: normalization)
        }
    }
}

extension RunConfiguration {
    /// Refuses images of another size than `network` is made for.
    public func checkImageSize(of network: NetworkName) throws(ConfigurationError) {
        guard data.transform.size == network.imageSize else {
            throw ConfigurationError(
                key: "data.transform.size", found: "\(data.transform.size)",
                expected: "\(network.imageSize), the size of the images of \(network.rawValue)")
        }
    }
}

extension Classifier {
    /// The classifier that `configuration` asks for, every parameter 0.
    public convenience init(_ configuration: RunConfiguration) throws(ConfigurationError) {
        guard let name = NetworkName(rawValue: configuration.network.name) else {
            throw ConfigurationError(
                key: "network.name", found: configuration.network.name,
                expected: "one of \(RunConfiguration.knownNetworks.joined(separator: ", "))")
        }
        try configuration.checkImageSize(of: name)
        self.init(name, head: configuration.headKind, classes: configuration.network.classes)
    }
}
