import ArgumentParser
import Networks
package import Training

extension ModelImport.Target: ExpressibleByArgument {}

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
    var into = ModelImport.Target.evaluation

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
        var model = ModelImport(file: file, source: options.source)
        model.network = network
        model.key = key
        model.lastLayer = lastLayer
        model.temperature = temperature
        model.target = into
        model.newHead = newHead
        for line in try model.run() { print(line) }
    }
}
