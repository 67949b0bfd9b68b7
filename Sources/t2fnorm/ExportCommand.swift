public import ArgumentParser
public import Exchange
import Training

struct ExportCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a run's model for PyTorch or as safetensors.",
        discussion: """
            The names and their order are those of torchvision's and OpenOOD's networks; a T2FNorm head gives OpenOOD's T2FNormNet: tau, then \
            backbone.…; a projection head is refused. torch.load(FILE, weights_only=True) reads the file; load_state_dict accepts it with strict=True.

              t2fnorm export runs/cifar10-t2fnorm/s0 best.ckpt
              t2fnorm export runs/cifar10-t2fnorm/s0 best.safetensors

            With --plain the names are torchvision's, fc and downsample, without tau and backbone.: a network without T2FNorm loads \
            it. τ is then folded into the last layer, fc.weight = W/τ, so that the logits are those that scores use, unless --no-fold \
            is given or there are 1000 classes, which are scored without τ. The accuracy may differ from the run's, whose features \
            are divided by their norm.

              t2fnorm export runs/cifar10-t2fnorm/s0 plain.pth --plain
            """)

    @Argument(help: "A run folder, or one of its checkpoints (.h5).")
    var model: String

    @Argument(help: "The file to write; an existing file is replaced.")
    var file: String

    @Option(
        help: ArgumentHelp(
            "\(ExportFormat.allCases.map(\.rawValue).joined(separator: " or ")); by the file's ending if not given.",
            valueName: "format"))
    var format: ExportFormat?

    @Flag(help: "Gives the tensors torchvision's names, without tau and backbone.")
    var plain = false

    @Flag(
        inversion: .prefixedNo,
        help:
            "With --plain: whether to fold τ of a T2FNorm head into the last layer's weights (W/τ); by default unless there are 1000 classes."
    )
    var fold: Bool?

    @Option(help: "The model's file below <run>/checkpoints, or 'latest'.")
    var checkpoint = "best.h5"

    func validate() throws {
        guard format != nil || ExportFormat(path: file) != nil else {
            let endings = ExportFormat.allCases.flatMap(\.endings).joined(separator: ", ")
            throw ValidationError(
                "\(file) has an ending of no supported format, expected one of \(endings); or give --format"
            )
        }
        guard plain || fold == nil else {
            throw ValidationError(
                "--fold and --no-fold are for --plain: with tau in the file, nothing is folded")
        }
    }

    func run() throws {
        var export = ModelExport(
            model: model, file: file, format: format ?? ExportFormat(path: file) ?? .pytorch)
        export.checkpoint = checkpoint
        export.isPlain = plain
        export.folds = fold
        for line in try export.run() { print(line) }
    }
}

extension ExportFormat: ExpressibleByArgument {}
