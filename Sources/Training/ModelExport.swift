internal import Checkpoints
package import Exchange
internal import Foundation
internal import Networks

/// Exports a run's model for PyTorch or as safetensors.
package struct ModelExport {
    /// A run's folder, or one of its checkpoint files (`.h5`).
    package var model: String
    /// The model's file below the run's checkpoints, or `latest`.
    package var checkpoint = "best.h5"
    /// The file to write.
    package var file: String
    package var format: ExportFormat
    /// Whether tensors have torchvision's names, without `tau` and `backbone.`.
    package var isPlain = false
    /// With plain names, whether τ is folded into the last layer; `nil` to fold it as scores use
    /// it, that is unless there are 1000 classes.
    package var folds: Bool?

    package init(model: String, file: String, format: ExportFormat) {
        self.model = model
        self.file = file
        self.format = format
    }

    /// Writes the file.
    ///
    /// - Throws: `CheckpointError` if the model cannot be read or has no classifier, `ExchangeError`
    ///   if the file cannot be written.
    /// - Returns: What was exported, in lines for the user.
    package func run() throws -> [String] {
        let path = try checkpointPath()
        let saved = try CheckpointStore.load(path)
        guard saved.headKind.isClassifier else {
            throw CheckpointError(
                path: path,
                reason: """
                    has a projection head, which cannot be exported; export a run with head.name linear or t2fnorm
                    """)
        }
        let classifier = try saved.makeClassifier(path: path)
        let isFolded = folds ?? (classifier.classes != 1000)
        var metadata = [
            "format": "pt", "network": saved.network, "classes": "\(saved.classes)",
            "epoch": "\(saved.position.epoch)", "step": "\(saved.position.step)",
        ]
        metadata["tau"] = saved.temperature.map { "\($0)" }
        if isPlain, saved.temperature != nil { metadata["tau_is_folded"] = "\(isFolded)" }
        try classifier.export(
            as: format, names: isPlain ? .torchvision(foldsTemperature: isFolded) : .openOOD,
            metadata: metadata, to: file)
        let line = "\(path) is exported to \(file) (\(format.rawValue))"
        guard isPlain, let temperature = saved.temperature else { return [line] }
        return [line, Self.remark(temperature, isFolded: isFolded)]
    }

    private static func remark(_ temperature: Float, isFolded: Bool) -> String {
        isFolded
            ? "τ \(temperature) is folded into fc.weight (W/τ): fc of the unnormalised features gives the logits that scores use"
            : "τ \(temperature) is not folded into fc.weight: training's logits are fc of the features divided by their norm and by τ"
    }

    private func checkpointPath() throws(CheckpointError) -> String {
        if model.hasSuffix(".h5") { return model }
        let seeds = try RunDirectory.seedFolders(of: model)
        guard seeds.count == 1 else {
            throw CheckpointError(
                path: model,
                reason: "there are \(seeds.count) runs here; name one: \(seeds.joined(separator: ", "))")
        }
        return try RunDirectory(path: seeds[0]).checkpointPath(checkpoint)
    }
}
