import Checkpoints
import Exchange
import Foundation
import Kernels
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training

/// Models of other programs that become runs, and runs that become their files.
@Suite(.timeLimit(.minutes(30))) struct ModelImportTests {
    private static let names = KnownNames(networks: RunConfiguration.knownNetworks, scores: ["msp"])

    /// Calls `body` with a folder and the file of a ResNet-20 with a T2FNorm head for 10 classes.
    private func withFile(_ body: (_ folder: String, _ file: String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let network = Classifier(.resnet20, head: .t2fnorm(temperature: 0.25), classes: 10, seed: 5)
            try network.export(as: .pytorch, to: "\(folder)/a model.pth")
            try body(folder, "\(folder)/a model.pth")
        }
    }

    private func model(_ folder: String, _ file: String, _ settings: String...) -> ModelImport {
        ModelImport(
            file: file,
            source: ConfigurationSource(
                overrides: ["output=\(folder)/runs", "evaluation.scores=[msp]"] + settings, names: Self.names)
        )
    }

    @Test func aModelBecomesAFinishedRunNamedAfterItsFile() throws {
        try withFile { folder, file in
            let lines = try model(folder, file).run()
            #expect(
                lines[0].hasSuffix(
                    "is a resnet20 for 10 classes with a T2FNorm head of temperature 0.25: \(folder)/runs/a-model/s0"
                ))
            #expect(lines.last?.hasPrefix("images are normalised by mean [0.4914, 0.4822, 0.4465]") == true)
            let run = "\(folder)/runs/a-model/s0"
            let text = try String(contentsOfFile: "\(run)/config.yml", encoding: .utf8)
            let configuration = try RunConfiguration(yaml: text, file: "config.yml")
            #expect(configuration.head.name == .t2fnorm && configuration.head.temperature == 0.25)
            #expect(configuration.data.train == "unknown" && configuration.network.classes == 10)
            let expected = Classifier(.resnet20, head: .t2fnorm(temperature: 0.25), classes: 10, seed: 5)
            let checkpoint = try CheckpointStore.load("\(run)/checkpoints/best.h5")
            let found = try checkpoint.makeClassifier(path: run)
            #expect(found.tensors == expected.tensors)
            let error = try #require(throws: CheckpointError.self) { try model(folder, file).run() }
            #expect(
                error.description
                    == "checkpoint \(run): there is a run here already; choose another name with --set name=…"
            )
        }
    }

    @Test func settingsTakeEffectOrAreRefused() throws {
        try withFile { folder, file in
            let tiled = try model(folder, file, "name=b", "compute.convolution=tiled").run()
            #expect(tiled.count == 3)
            let checkpoint = try CheckpointStore.load("\(folder)/runs/b/s0/checkpoints/best.h5")
            #expect(checkpoint.convolutions.name == "tiled")
            for (setting, reason) in [
                ("compute.convolution=autotune", "compute.convolution is autotune, expected one of shape"),
                (
                    "network.classes=20",
                    "network.classes is 20, expected 10, the rows of the last layer in \(file)"
                ),
            ] {
                let error = try #require(throws: ConfigurationError.self) {
                    try model(folder, file, "name=c", setting).run()
                }
                #expect(error.description.hasPrefix(reason))
                #expect(!FileManager.default.fileExists(atPath: "\(folder)/runs/c"))
            }
            let linear = try model(folder, file, "name=d", "head.name=linear").run()
            #expect(linear[0].contains("with a linear head"))
            #expect(linear[2] == "the head is a linear head, as asked for; the file's tau 0.25 is not used")
            var warm = model(folder, file, "name=e")
            warm.temperature = 0.5
            #expect(try warm.run()[2].contains("T2FNorm head of temperature 0.5, as asked for"))
        }
    }

    @Test func aNewHeadHasTheConfigurationsClassesAndSeed() throws {
        try SmallRun.with { run in
            let network = Classifier(.resnet20, head: .linear, classes: 7, seed: 5)
            let file = "\(run.folder)/m.safetensors"
            try network.export(as: .safetensors, to: file)
            try run.configuration.yaml.write(
                toFile: "\(run.folder)/run.yml", atomically: true, encoding: .utf8)
            var start = ModelImport(
                file: file,
                source: ConfigurationSource(files: ["\(run.folder)/run.yml"], names: nil))
            start.target = .training
            let refused = try #require(throws: ConfigurationError.self) { try start.run() }
            #expect(refused.description.hasPrefix("network.classes is 10, expected 7, the rows of"))
            start.newHead = true
            let lines = try start.run()
            #expect(lines.last == "the head is initialised from seed 0; the file's last layer is not used")
            let checkpoint = try #require(try run.checkpoint())
            #expect(checkpoint.position == TrainingPosition() && checkpoint.slots.map(\.name) == ["momentum"])
            let found = try checkpoint.makeClassifier(path: file).tensors
            let initial = Classifier(.resnet20, head: .t2fnorm(temperature: 0.1), classes: 10, seed: 0)
                .tensors
            let imported = network.tensors
            #expect(found.dropLast(2) == imported.dropLast(2))
            #expect(found.suffix(2) == initial.suffix(2))
            let again = try #require(throws: CheckpointError.self) { try start.run() }
            #expect(again.description.contains("there is a run here already"))
        }
    }

    @Test func aFileThatIsNoModelIsNamed() throws {
        try withTemporaryFolder { folder in
            try Data("no model".utf8).write(to: URL(filePath: "\(folder)/m"))
            let error = try #require(throws: ExchangeError.self) { try model(folder, "\(folder)/m").run() }
            #expect(
                error.description
                    == "model file \(folder)/m: is text ('no model'), not a file of torch.save or safetensors"
            )
            #expect(error.exitCode == 5 && !FileManager.default.fileExists(atPath: "\(folder)/runs"))
        }
    }

    @Test func anExportSaysWhatBecomesOfTheTemperature() throws {
        try withFile { folder, file in
            _ = try model(folder, file, "name=a").run()
            var export = ModelExport(
                model: "\(folder)/runs/a", file: "\(folder)/p.pth", format: .pytorch)
            #expect(try export.run().count == 1)
            #expect(try ModelFile(path: export.file).shapes.first?.name == "tau")
            export.isPlain = true
            #expect(try export.run()[1].hasPrefix("τ 0.25 is folded into fc.weight (W/τ)"))
            let folded = try ModelFile(path: export.file).network(.resnet20).tensors.suffix(2)
            export.folds = false
            #expect(try export.run()[1].hasPrefix("τ 0.25 is not folded into fc.weight"))
            let kept = try ModelFile(path: export.file).network(.resnet20).tensors.suffix(2)
            #expect(folded.first?.elements == kept.first?.elements.map { $0 / 0.25 })
            #expect(folded.last == kept.last)
        }
    }

    @Test func anExportOfSeveralRunsIsRefused() throws {
        try withFile { folder, file in
            for seed in 0...1 { _ = try model(folder, file, "name=a", "seed=\(seed)").run() }
            let error = try #require(throws: CheckpointError.self) {
                try ModelExport(model: "\(folder)/runs/a", file: "\(folder)/m.pth", format: .pytorch).run()
            }
            #expect(
                error.reason
                    == "there are 2 runs here; name one: \(folder)/runs/a/s0, \(folder)/runs/a/s1")
        }
    }
}
