import ArgumentParser
import Checkpoints
import Evaluation
import Exchange
import Files
import Foundation
import Networks
import RunConfiguration
import Training

/// The kind of run that an imported model becomes.
enum ImportTarget: String, ExpressibleByArgument, CaseIterable {
    /// A finished run.
    case evaluation
    /// A new run whose first checkpoint is the model.
    case training
}

struct ImportCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Imports a PyTorch or safetensors model as a run.",
        discussion: """
            Reads the files of torch.save, both zip archives and the format before PyTorch 1.6, and safetensors, also in shards by \
            their index; no code in a file is run. The names are those of torchvision, of OpenOOD's networks (with tau: a T2FNorm head) \
            and of the CIFAR ResNets; a prefix common to all names is removed. The run's folder is <output>/<name>/s<seed>; without \
            --config its name is the file's.

              t2fnorm import best.ckpt
              t2fnorm evaluate runs/best --set data.test=data/cifar10/test \\
                  --set 'evaluation.far={svhn: data/svhn}'

            As the starting point of a training run, with the network and head of the configuration:

              t2fnorm import resnet50-0676ba61.pth --into training --config resnet50.yml
              mpirun -n 4 t2fnorm train --config resnet50.yml

            With --new-head the last layer is initialised randomly, for other classes than the file's:

              t2fnorm import resnet50-0676ba61.pth --into training --new-head \\
                  --config resnet50.yml --set network.classes=20
            """)

    @Argument(help: "A file of torch.save or safetensors, or the index of a model in shards.")
    var file: String

    @Option(
        help: ArgumentHelp(
            "The architecture; without it and without --config, the architecture that the tensors fit.",
            valueName: "name"))
    var network: NetworkName?

    @Option(
        help: ArgumentHelp(
            "Which of several state dictionaries: its key, or the prefix of its tensors' names.",
            valueName: "key"))
    var key: String?

    @Option(
        help: ArgumentHelp(
            "The last layer's name in the file, if it is not fc, linear, classifier or head.",
            valueName: "name"))
    var lastLayer: String?

    @Option(
        help: ArgumentHelp(
            "τ of a T2FNorm head, if the file has none; without it the head is linear.", valueName: "tau"))
    var temperature: Float?

    @Option(
        help:
            "'evaluation' makes a finished run, 'training' the first checkpoint of a run to train."
    )
    var into = ImportTarget.evaluation

    @Flag(
        help:
            "Initialises the configuration's head from its seed, as training does, and ignores the file's last layer; with --into training."
    )
    var newHead = false

    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        guard temperature.map({ $0 > 0 && $0.isFinite }) ?? true else {
            throw ValidationError("--temperature is a finite number above 0")
        }
        guard into == .evaluation || temperature == nil else {
            throw ValidationError(
                "--temperature is not for --into training: set head.temperature in the configuration")
        }
        guard into == .training || !newHead else {
            throw ValidationError("--new-head makes an untrained head: add --into training")
        }
        guard !newHead || lastLayer == nil else {
            throw ValidationError(
                "--last-layer names the layer that --new-head ignores: give only one of them")
        }
    }

    func run() throws {
        do {
            switch into {
            case .evaluation: try importModel()
            case .training: try importStart()
            }
        } catch let error as ExchangeError {
            throw CheckpointError(path: error.path, reason: error.reason)
        }
    }

    private func importModel() throws {
        let model = try ModelFile(path: file, key: key)
        let match = try matched(model)
        let draft = try resolved(match.network)
        let convolutions = try draft.statedConvolutions()
        let classifier = try match.makeClassifier(head: head(match, draft), convolutions: convolutions)
        var configuration = draft
        try checkClasses(classifier.classes, draft)
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
        report(model, match, classifier, configuration)
        let transform = configuration.data.transform
        print(
            """
            images are normalised by mean \(transform.mean) and standard deviation \(transform.standardDeviation) at \(transform.size)×\(transform.size) \
            from a shorter side of \(transform.resizedSide); if the model was trained on others, set them: --set data.transform.mean=[…]
            """)
    }

    private func importStart() throws {
        let model = try ModelFile(path: file, key: key)
        let match = try matched(model)
        let configuration = try resolved(match.network)
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
        report(model, match, classifier, configuration)
    }

    // MARK: - The file and the configuration

    /// The file's tensors assigned to the requested network or, without a request, to the network
    /// that they fit.
    private func matched(_ model: ModelFile) throws -> ModelMatch {
        let name = try network ?? networkOfSettings()
        return try model.match(name, lastLayer: lastLayer, takesLastLayer: !newHead)
    }

    /// The network of the configuration's files or of `--set network…`; `nil` if neither is given.
    private func networkOfSettings() throws(ConfigurationError) -> NetworkName? {
        guard !options.config.isEmpty || isSet("network.name") else { return nil }
        let name = try options.load().network.name
        guard let network = NetworkName(rawValue: name) else {
            throw ConfigurationError(
                key: "network.name", found: name,
                expected: "one of \(RunConfiguration.knownNetworks.joined(separator: ", "))")
        }
        return network
    }

    /// Whether `--set` gives a setting, alone or with its whole section.
    private func isSet(_ key: String) -> Bool {
        let section = key.prefix { $0 != "." }
        return options.settings.contains { $0.hasPrefix(key + "=") || $0.hasPrefix(section + "=") }
    }

    /// The configuration; without files, the network's usual preprocessing and no training set.
    private func resolved(_ network: NetworkName) throws(ConfigurationError) -> RunConfiguration {
        var settings = options.settings
        if self.network != nil || options.config.isEmpty { settings += ["network.name=\(network.rawValue)"] }
        if options.config.isEmpty {
            settings =
                usual(network) + ["name=\(runName)"] + (into == .training ? [] : ["data.train=unknown"])
                + settings
        }
        let configuration = try RunConfiguration.load(
            files: options.config, overrides: settings, names: .known, notice: noticeRenamed)
        guard configuration.head.name != .projection || newHead else {
            throw ConfigurationError(
                key: "head.name", found: configuration.head.name.rawValue,
                expected:
                    "linear or t2fnorm, as a file is read as a classifier; --new-head --into training initialises a projection head"
            )
        }
        _ = try configuration.networkName()
        return configuration
    }

    /// The head that the user asks for, if any; it takes precedence over the file's.
    private func head(_ match: ModelMatch, _ draft: RunConfiguration) -> HeadKind? {
        if let temperature { return .t2fnorm(temperature: temperature) }
        return isSet("head.name") || isSet("head.temperature") ? draft.headKind : nil
    }

    /// Throws if the user asks for another number of classes than the file has.
    private func checkClasses(
        _ classes: Int?, _ configuration: RunConfiguration
    ) throws(ConfigurationError) {
        let isStated = !options.config.isEmpty || isSet("network.classes") || into == .training
        guard let classes, isStated, configuration.network.classes != classes else { return }
        throw ConfigurationError(
            key: "network.classes", found: "\(configuration.network.classes)",
            expected: """
                \(classes), the rows of the last layer in \(file); --new-head --into training makes a last layer for other classes
                """)
    }

    /// Settings of a network's usual preprocessing: that of torchvision's weights for 224 pixels;
    /// none for CIFAR's, which is the default.
    private func usual(_ network: NetworkName) -> [String] {
        guard network.imageSize == 224 else { return [] }
        return [
            "data.transform.size=224", "data.transform.resize=256", "data.transform.crop=resized",
            "data.transform.mean=[0.485, 0.456, 0.406]",
            "data.transform.standardDeviation=[0.229, 0.224, 0.225]",
        ]
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

    // MARK: - The report

    private func report(
        _ model: ModelFile, _ match: ModelMatch, _ classifier: Classifier, _ configuration: RunConfiguration
    ) {
        let shards = model.shardCount > 1 ? ", \(model.shardCount) shards" : ""
        print(
            """
            \(file) (\(model.format.rawValue)\(shards), \(model.tensors.count) tensors) is a \(classifier.name.rawValue) for \(classifier.classes) classes \
            with \(describe(classifier.headKind)): \(RunDirectory(configuration).path)
            """)
        for note in match.notes + [headRemark(match, classifier, seed: configuration.seed)].compactMap({ $0 })
        { print(note) }
    }

    private func describe(_ head: HeadKind) -> String {
        switch head {
        case .linear: "a linear head"
        case .t2fnorm(let temperature): "a T2FNorm head of temperature \(temperature)"
        case .projection(let outputs): "a projection head of \(outputs) outputs"
        }
    }

    /// A remark on how the head differs from the file's; `nil` if it does not.
    private func headRemark(_ match: ModelMatch, _ classifier: Classifier, seed: UInt64) -> String? {
        if newHead { return "the head is initialised from seed \(seed); the file's last layer is not used" }
        guard classifier.headKind != match.headKind else { return nil }
        let own = match.temperature.map { "the file's tau \($0) is not used" } ?? "the file has no tau"
        return "the head is \(describe(classifier.headKind)), as asked for; \(own)"
    }
}
