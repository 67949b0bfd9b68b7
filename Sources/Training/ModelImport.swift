internal import Checkpoints
internal import Exchange
internal import Files
internal import Foundation
package import Networks
package import RunConfiguration

/// Imports a model file of another program as a run.
package struct ModelImport {
    /// The kind of run that the model becomes.
    package enum Target: String, CaseIterable, Sendable {
        /// A finished run.
        case evaluation
        /// A new run whose first checkpoint is the model.
        case training
    }

    /// The file of torch.save or safetensors, or the index of a model in shards.
    package var file: String
    /// The architecture; `nil` for the configuration's or, without one, the one that the tensors
    /// fit.
    package var network: NetworkName?
    /// Which of several state dictionaries: its key, or the prefix of its tensors' names.
    package var key: String?
    /// The last layer's name in the file, if it is not fc, linear, classifier or head.
    package var lastLayer: String?
    /// τ of a T2FNorm head, if the file has none; for `Target.evaluation`.
    package var temperature: Float?
    package var target = Target.evaluation
    /// Whether the configuration's head is initialised from its seed, and the file's last layer
    /// ignored; for `Target.training`.
    package var newHead = false
    /// The run's configuration; without files, the network's usual preprocessing and the file's
    /// name.
    package var source: ConfigurationSource

    package init(file: String, source: ConfigurationSource) {
        self.file = file
        self.source = source
    }

    /// Writes the run's folder.
    ///
    /// - Throws: `ExchangeError` if the file cannot be read or fits no network,
    ///   `ConfigurationError`, or `CheckpointError` if there is a run already.
    /// - Returns: What was imported, in lines for the user.
    package func run() throws -> [String] {
        let model = try ModelFile(path: file, key: key)
        let match = try model.match(
            network ?? networkOfSettings(), lastLayer: lastLayer, takesLastLayer: !newHead)
        var configuration = try configuration(match.network)
        let classifier =
            switch target {
            case .evaluation: try writeModel(match, &configuration)
            case .training: try writeStart(match, configuration)
            }
        var lines = report(model, match, classifier, configuration)
        if target == .evaluation { lines.append(preprocessing(configuration.data.transform)) }
        return lines
    }

    private func writeModel(
        _ match: ModelMatch, _ configuration: inout RunConfiguration
    ) throws -> Classifier {
        let convolutions = try configuration.statedConvolutions()
        let classifier = try match.makeClassifier(
            head: head(match, configuration), convolutions: convolutions)
        try checkClasses(classifier.classes, configuration)
        configuration.network.classes = classifier.classes
        switch classifier.headKind {
        case .linear: configuration.head.name = .linear
        case .t2fnorm(let temperature):
            configuration.head.name = .t2fnorm
            // Via decimal digits, so that Float 0.1 becomes Double 0.1.
            configuration.head.temperature = Double("\(temperature)") ?? Double(temperature)
        case .projection: preconditionFailure("a file with a projection head")
        }
        let directory = RunDirectory(configuration)
        guard !FileManager.default.fileExists(atPath: directory.configurationPath) else {
            throw taken(directory)
        }
        try createFolder(directory.checkpointsPath)
        try CheckpointStore(folder: directory.checkpointsPath, keep: configuration.training.keep)
            .saveBest(classifier, configuration: configuration.yaml)
        try directory.write(configuration)
        return classifier
    }

    private func writeStart(_ match: ModelMatch, _ configuration: RunConfiguration) throws -> Classifier {
        let directory = RunDirectory(configuration)
        let store = CheckpointStore(folder: directory.checkpointsPath, keep: configuration.training.keep)
        guard try store.newest() == nil else { throw taken(directory) }
        let convolutions = try configuration.statedConvolutions()
        let classifier: Classifier
        if newHead {
            classifier = try match.makeClassifier(
                newHead: configuration.headKind, classes: configuration.network.classes,
                seed: configuration.seed, convolutions: convolutions)
        } else {
            try checkClasses(match.classes, configuration)
            classifier = try match.makeClassifier(head: configuration.headKind, convolutions: convolutions)
        }
        try store.save(try configuration.startingPoint(classifier, path: file))
        try directory.write(configuration)
        return classifier
    }

    /// The network of the configuration's files or of its overrides; `nil` if neither gives one.
    private func networkOfSettings() throws(ConfigurationError) -> NetworkName? {
        guard !source.files.isEmpty || source.overrides("network.name") else { return nil }
        let name = try source.load().network.name
        guard let network = NetworkName(rawValue: name) else {
            throw ConfigurationError(
                key: "network.name", found: name,
                expected: "one of \(RunConfiguration.knownNetworks.joined(separator: ", "))")
        }
        return network
    }

    /// The configuration; without files, the network's usual preprocessing and no training set.
    private func configuration(_ network: NetworkName) throws(ConfigurationError) -> RunConfiguration {
        var source = source
        let hasFiles = !source.files.isEmpty
        if self.network != nil || !hasFiles { source.overrides += ["network.name=\(network.rawValue)"] }
        if !hasFiles {
            source.overrides =
                network.usualPreprocessing + ["name=\(runName)"]
                + (target == .training ? [] : ["data.train=unknown"]) + source.overrides
        }
        let configuration = try source.load()
        guard configuration.head.name != .projection || newHead else {
            throw ConfigurationError(
                key: "head.name", found: configuration.head.name.rawValue,
                expected: """
                    linear or t2fnorm, as a file is read as a classifier; --new-head --into training initialises a projection head
                    """)
        }
        _ = try configuration.networkName()
        return configuration
    }

    /// The head that the user asks for, if any; it takes precedence over the file's.
    private func head(_ match: ModelMatch, _ draft: RunConfiguration) -> HeadKind? {
        if let temperature { return .t2fnorm(temperature: temperature) }
        return source.overrides("head.name") || source.overrides("head.temperature") ? draft.headKind : nil
    }

    /// Throws if the user asks for another number of classes than the file has.
    private func checkClasses(
        _ classes: Int?, _ configuration: RunConfiguration
    ) throws(ConfigurationError) {
        let isStated = !source.files.isEmpty || source.overrides("network.classes") || target == .training
        guard let classes, isStated, configuration.network.classes != classes else { return }
        throw ConfigurationError(
            key: "network.classes", found: "\(configuration.network.classes)",
            expected: """
                \(classes), the rows of the last layer in \(file); --new-head --into training makes a last layer for other classes
                """)
    }

    /// The file's name without its ending, in characters that are valid in a folder's name and in
    /// YAML.
    private var runName: String {
        let stem = URL(filePath: file).deletingPathExtension().lastPathComponent
        let plain = stem.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" }
        return "'" + String(plain.drop { $0 == "." }) + "'"
    }

    private func taken(_ directory: RunDirectory) -> CheckpointError {
        CheckpointError(
            path: directory.path,
            reason: "there is a run here already; choose another name with --set name=…")
    }
}

extension ModelImport {
    private func report(
        _ model: ModelFile, _ match: ModelMatch, _ classifier: Classifier, _ configuration: RunConfiguration
    ) -> [String] {
        let shards = model.shardCount > 1 ? ", \(model.shardCount) shards" : ""
        let summary = """
            \(file) (\(model.format.rawValue)\(shards), \(model.tensors.count) tensors) is a \(classifier.name.rawValue) for \
            \(classifier.classes) classes with \(classifier.headKind.phrase): \(RunDirectory(configuration).path)
            """
        let remark = headRemark(match, classifier, seed: configuration.seed)
        return [summary] + match.notes + [remark].compactMap(\.self)
    }

    /// A remark on how the head differs from the file's; `nil` if it does not.
    private func headRemark(_ match: ModelMatch, _ classifier: Classifier, seed: UInt64) -> String? {
        if newHead { return "the head is initialised from seed \(seed); the file's last layer is not used" }
        guard classifier.headKind != match.headKind else { return nil }
        let own = match.temperature.map { "the file's tau \($0) is not used" } ?? "the file has no tau"
        return "the head is \(classifier.headKind.phrase), as asked for; \(own)"
    }

    private func preprocessing(_ transform: TransformConfiguration) -> String {
        """
        images are normalised by mean \(transform.mean) and standard deviation \(transform.standardDeviation) at \(transform.size)×\(transform.size) \
        from a shorter side of \(transform.resizedSide); if the model was trained on others, set them: --set data.transform.mean=[…]
        """
    }
}

extension NetworkName {
    /// Settings of the network's usual preprocessing: that of torchvision's weights for 224 pixels;
    /// none for CIFAR's, which is the default.
    fileprivate var usualPreprocessing: [String] {
        guard imageSize == 224 else { return [] }
        return [
            "data.transform.size=224", "data.transform.resize=256", "data.transform.crop=resized",
            "data.transform.mean=[0.485, 0.456, 0.406]",
            "data.transform.standardDeviation=[0.229, 0.224, 0.225]",
        ]
    }
}
