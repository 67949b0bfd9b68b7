import ArgumentParser
import Checkpoints
import Exchange
import Files
import Foundation
import Networks
import RunConfiguration
import Training

/// What an imported model becomes.
enum ImportTarget: String, ExpressibleByArgument, CaseIterable {
    /// A run that is done.
    case evaluation
    /// The first checkpoint of a run that is yet to be trained.
    case training
}

struct ImportCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Takes over a model of PyTorch or safetensors as a run.",
        discussion: """
            Reads what torch.save wrote, today's zip archives and the files from before PyTorch 1.6, and safetensors; nothing in a file is \
            run. The names are those of torchvision, of OpenOOD's networks (with tau: a T2FNorm head) and of the CIFAR ResNets; prefixes \
            module., backbone., _orig_mod. are taken off. The run's folder is <output>/<name>/s<seed>; without --config its name is the file's.

              t2fnorm import best.ckpt --network resnet18_32x32
              t2fnorm evaluate runs/best --set data.test=data/cifar10/test --set 'evaluation.far={svhn: data/svhn}'

            As the starting point of a training run, whose network and head the configuration says:

              t2fnorm import resnet50-0676ba61.pth --into training --config resnet50.yml
              mpirun -n 4 t2fnorm train --config resnet50.yml
            """)

    @Argument(help: "A file of torch.save or safetensors.")
    var file: String

    @Option(help: ArgumentHelp("The architecture, which a file does not say.", valueName: "name"))
    var network: NetworkName?

    @Option(
        help: ArgumentHelp(
            "τ of a T2FNorm head, where the file has none; else the head is linear.", valueName: "tau"))
    var temperature: Float?

    @Option(
        help:
            "'evaluation' makes a finished run, 'training' the first checkpoint of one that is yet to be trained."
    )
    var into = ImportTarget.evaluation

    @OptionGroup var options: ConfigurationOptions

    func validate() throws {
        guard network != nil || !options.config.isEmpty else {
            throw ValidationError("--network says the architecture, which a file does not")
        }
        guard temperature.map({ $0 > 0 && $0.isFinite }) ?? true else {
            throw ValidationError("--temperature is a finite number above 0")
        }
        guard into == .evaluation || temperature == nil else {
            throw ValidationError(
                "--temperature is head.temperature of the configuration with --into training")
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
        let draft = try resolved()
        let name = try draft.networkName()
        let model = try ModelFile(path: file)
        let classifier = try model.makeClassifier(
            name, head: temperature.map { .t2fnorm(temperature: $0) })
        var configuration = draft
        configuration.network.classes = classifier.classes
        configuration.compute.convolution = .shape
        switch classifier.headKind {
        case .linear: configuration.head.name = .linear
        case .t2fnorm(let temperature):
            configuration.head.name = .t2fnorm
            // By its digits, so that 0.1 stays 0.1.
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
        report(model, classifier, directory)
        let transform = configuration.data.transform
        print(
            """
            images are normalised by mean \(transform.mean) and standard deviation \(transform.standardDeviation) at \(transform.size)×\(transform.size) \
            from a shorter side of \(transform.resizedSide); if the model saw others, say so: --set data.transform.mean=[…]
            """)
    }

    private func importStart() throws {
        let configuration = try resolved()
        let name = try configuration.networkName()
        let directory = RunDirectory(configuration)
        let store = CheckpointStore(folder: directory.checkpointsPath, keep: configuration.training.keep)
        guard try store.newest() == nil else { throw taken(directory) }
        let convolutions = try configuration.statedConvolutions()
        let model = try ModelFile(path: file)
        let classifier = try model.makeClassifier(
            name, head: configuration.headKind, convolutions: convolutions)
        try store.save(try configuration.startingPoint(classifier, path: file))
        try directory.write(configuration)
        report(model, classifier, directory)
    }

    /// The configuration; without files one that takes the network's usual images, and no training set.
    private func resolved() throws(ConfigurationError) -> RunConfiguration {
        let named = network.map { ["network.name=\($0.rawValue)"] } ?? []
        var settings = options.settings + named
        if options.config.isEmpty {
            settings = network.map(usual) ?? []
            settings += ["name=\(runName)", "data.train=unknown"] + options.settings + named
        }
        let configuration = try RunConfiguration.load(
            files: options.config, overrides: settings, names: .known)
        guard configuration.head.name != .projection else {
            throw ConfigurationError(
                key: "head.name", found: configuration.head.name.rawValue,
                expected: "linear or t2fnorm, as a file is read as a classifier")
        }
        return configuration
    }

    /// The images that a network is usually given: those of torchvision's weights, or CIFAR's, which are the defaults.
    private func usual(_ network: NetworkName) -> [String] {
        guard network.imageSize == 224 else { return [] }
        return [
            "data.transform.size=224", "data.transform.resize=256", "data.transform.crop=resized",
            "data.transform.mean=[0.485, 0.456, 0.406]",
            "data.transform.standardDeviation=[0.229, 0.224, 0.225]",
        ]
    }

    /// The file's name without its ending, in characters that a folder and YAML take.
    private var runName: String {
        let stem = URL(filePath: file).deletingPathExtension().lastPathComponent
        let plain = stem.map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" }
        return "'" + String(plain.drop { $0 == "." }) + "'"
    }

    private func taken(_ directory: RunDirectory) -> CheckpointError {
        CheckpointError(
            path: directory.path, reason: "there is a run here already; name another one with --set name=…")
    }

    private func report(_ model: ModelFile, _ classifier: Classifier, _ directory: RunDirectory) {
        let head =
            switch classifier.headKind {
            case .linear: "a linear head"
            case .t2fnorm(let temperature): "a T2FNorm head of temperature \(temperature)"
            case .projection(let outputs): "a projection head of \(outputs) outputs"
            }
        print(
            """
            \(file) (\(model.format.rawValue), \(model.tensors.count) tensors) is a \(classifier.name.rawValue) for \(classifier.classes) classes \
            with \(head): \(directory.path)
            """)
    }
}
