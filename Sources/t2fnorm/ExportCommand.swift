public import ArgumentParser
import Checkpoints
public import Exchange
import Foundation
import Networks
import Training

struct ExportCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Writes a run's model for PyTorch or as safetensors.",
        discussion: """
            The names and their order are those of torchvision's and OpenOOD's networks; a T2FNorm head gives OpenOOD's T2FNormNet: tau, then \
            backbone.…; a projection head is refused. torch.load(FILE, weights_only=True) takes the file, and load_state_dict takes it strictly.

              t2fnorm export runs/cifar10-t2fnorm/s0 best.ckpt
              t2fnorm export runs/cifar10-t2fnorm/s0 best.safetensors --format safetensors
            """)

    @Argument(help: "A run folder, or one of its checkpoints (.h5).")
    var model: String

    @Argument(help: "The file to write; one that is there is replaced.")
    var file: String

    @Option(
        help: ArgumentHelp(
            "\(ExportFormat.allCases.map(\.rawValue).joined(separator: " or ")); by the file's ending if not given.",
            valueName: "format"))
    var format: ExportFormat?

    @Option(help: "The model's file below <run>/checkpoints, or 'latest'.")
    var checkpoint = "best.h5"

    func run() throws {
        let path = try checkpointPath()
        let saved = try CheckpointStore.load(path)
        guard saved.headKind.isClassifier else {
            throw CheckpointError(
                path: path,
                reason: """
                    has a projection head in the place of the last layer, which is none of the networks that are exported; export a \
                    run with head.name linear or t2fnorm
                    """)
        }
        let classifier = try saved.makeClassifier(path: path)
        let format = format ?? (file.hasSuffix(".safetensors") ? .safetensors : .pytorch)
        var metadata = [
            "format": "pt", "network": saved.network, "classes": "\(saved.classes)",
            "epoch": "\(saved.position.epoch)",
            "step": "\(saved.position.step)",
        ]
        metadata["tau"] = saved.temperature.map { "\($0)" }
        do {
            try export(classifier, as: format, metadata: metadata, to: file)
        } catch {
            throw CheckpointError(path: error.path, reason: error.reason)
        }
        print("\(path) is written to \(file) (\(format.rawValue))")
    }

    private func checkpointPath() throws(CheckpointError) -> String {
        if model.hasSuffix(".h5") { return model }
        let seeds = try seedFolders(of: model)
        guard seeds.count == 1 else {
            throw CheckpointError(
                path: model,
                reason: "there are \(seeds.count) runs here; name one: \(seeds.joined(separator: ", "))")
        }
        return try RunDirectory(path: seeds[0]).checkpointPath(checkpoint)
    }
}

extension ExportFormat: ExpressibleByArgument {}
