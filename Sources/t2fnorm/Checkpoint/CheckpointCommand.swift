import ArgumentParser
import Checkpoints
import Evaluation
import Files
import Foundation
import Kernels
import Networks
import Reporting
import Software
import Training

struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Lists, shows, verifies, compares and averages checkpoints.",
        discussion: """
            A run is a folder such as runs/quickstart/s0; a checkpoint is a file, or a run for its newest intact checkpoint.

              t2fnorm checkpoint list runs/quickstart/s0
              t2fnorm checkpoint diff runs/a/s0 runs/b/s0
            """,
        subcommands: [
            CheckpointListCommand.self, CheckpointShowCommand.self, CheckpointVerifyCommand.self,
            CheckpointDiffCommand.self, CheckpointAverageCommand.self,
        ])
}

/// The checkpoint in the file `path`, or the newest intact one of the run `path`, and its file;
/// prints a note for each damaged one.
private func loadCheckpoint(_ path: String) throws -> (checkpoint: Checkpoint, path: String) {
    try CheckpointStore.loadNewest(path) { printError("t2fnorm: note: \($0)") }
}

struct CheckpointListCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Prints a line for each checkpoint, with the error of a damaged one.")

    @Argument(help: "Folders of runs or of checkpoints.")
    var runs: [String]

    func run() throws {
        var damaged: CheckpointError?
        if let missing = runs.first(where: { !isFolder($0) }) {
            throw CheckpointError(
                path: missing, reason: "there is no such folder; name a run, such as runs/quickstart/s0")
        }
        for path in try CheckpointStore.files(of: runs) {
            do {
                print("\(path)  \(describe(try CheckpointStore.load(path), path))")
            } catch {
                print("\(path)  \(error.isDamage ? "DAMAGED" : "UNREADABLE"): \(error.reason)")
                damaged = damaged ?? error
            }
        }
        if let damaged { throw damaged }
    }

    private func describe(_ checkpoint: Checkpoint, _ path: String) -> String {
        let position = checkpoint.position
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        let size = (attributes?[.size] as? NSNumber)?.doubleValue ?? 0
        let accuracy =
            position.bestAccuracy >= 0
            ? "best \(decimal(100 * position.bestAccuracy, 2)) % (epoch \(position.bestEpoch))"
            : checkpoint.headKind.isClassifier ? "not validated yet" : "no accuracy (projection head)"
        return """
            step \(position.step), \(position.epoch) epochs, \(accuracy), \(checkpoint.slots.isEmpty ? "model" : "resumable"), \
            \(decimal(size / 1e6, 1)) MB
            """
    }
}

struct CheckpointShowCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Prints a checkpoint's content: network, position, settings, tensors.")

    @Argument(help: "A checkpoint or a run.")
    var checkpoint: String

    @Flag(help: "Print each tensor with its shape, mean and norm instead of the settings.")
    var tensors = false

    func run() throws {
        let (checkpoint, path) = try loadCheckpoint(checkpoint)
        let position = checkpoint.position
        let count = checkpoint.state.reduce(0) { $0 + $1.elements.count }
        print(
            """
            \(path)
            network: \(checkpoint.network), \(checkpoint.classes) classes, \
            \(checkpoint.headKind.phrase)\(checkpoint.headKind.isClassifier ? "" : ", no classifier"), convolutions \(checkpoint.convolutions.name)
            position: step \(position.step), epoch \(position.epoch) and \(position.stepInEpoch) steps
            best: \(position.bestAccuracy >= 0 ? "\(decimal(100 * position.bestAccuracy, 2)) % in epoch \(position.bestEpoch)" : checkpoint.headKind.isClassifier ? "none yet" : "no accuracy without a classifier")
            training set: \(checkpoint.dataFingerprint)
            written by: \(writer(of: checkpoint))
            fingerprint: weights \(checkpoint.weightsHash)\(checkpoint.slotHashes.map { ", \($0) \($1)" }.joined())
            tensors: \(checkpoint.state.count) with \(count) elements\(checkpoint.slots.isEmpty ? "" : ", and \(checkpoint.slots.map(\.name).joined(separator: ", "))")
            """)
        guard tensors else {
            print("configuration:")
            for line in checkpoint.configuration.split(separator: "\n") { print("  \(line)") }
            return
        }
        for tensor in checkpoint.state {
            let values = tensor.elements.map(Double.init)
            let mean = values.reduce(0, +) / Double(max(values.count, 1))
            let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
            print("\(tensor.name) \(tensor.shape): mean \(decimal(mean, 6)), norm \(decimal(norm, 4))")
        }
    }
}

/// The program that wrote a checkpoint, in words.
private func writer(of checkpoint: Checkpoint) -> String {
    guard let version = checkpoint.softwareVersion else { return "a version before 0.1.0" }
    return (["version \(version)"] + (checkpoint.software?.lines ?? [])).joined(separator: ", ")
}

struct CheckpointVerifyCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Reads whole checkpoints and compares them with their checksums.")

    @Argument(help: "Checkpoints, or runs for all checkpoints of all their seeds.")
    var checkpoints: [String]

    func run() throws {
        var damaged: [CheckpointError] = []
        for path in try CheckpointStore.files(of: checkpoints) {
            do {
                let count = try CheckpointStore.load(path).state.count
                print("\(path): \(count) tensors are whole")
            } catch {
                printError("t2fnorm: \(error)")
                damaged.append(error)
            }
        }
        if let first = damaged.first {
            throw CheckpointError(
                path: first.path, reason: "\(damaged.count) of the checkpoints are not whole")
        }
    }
}

struct CheckpointDiffCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compares two checkpoints: position, settings and the bits of all tensors.",
        discussion: "Exits with 0 if all bits are the same, else with 1. Settings do not affect the code.")

    @Argument(help: "A checkpoint or a run.")
    var first: String

    @Argument(help: "A checkpoint or a run.")
    var second: String

    func run() throws {
        let (first, firstPath) = try loadCheckpoint(first)
        let (second, secondPath) = try loadCheckpoint(second)
        print("\(firstPath) and \(secondPath)")
        let settings = [first, second].map { Set($0.configuration.split(separator: "\n").map(String.init)) }
        for line in settings[0].subtracting(settings[1]).sorted() { print("< \(line)") }
        for line in settings[1].subtracting(settings[0]).sorted() { print("> \(line)") }
        if first.position != second.position {
            print("positions differ: step \(first.position.step) and step \(second.position.step)")
        }
        let comparison = CheckpointComparison(first, second)
        for mismatch in comparison.mismatches { print(mismatch) }
        for difference in comparison.differences {
            print(
                """
                \(difference.name): \(difference.count) of \(difference.elementCount) elements differ, by at most \
                \(difference.largest)
                """)
        }
        guard comparison.mismatches.isEmpty && comparison.differences.isEmpty else {
            print("\(comparison.differences.count) of \(comparison.tensorCount) tensors differ")
            Foundation.exit(1)
        }
        print("\(comparison.tensorCount) tensors have the same bits")
    }
}

struct CheckpointAverageCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "average",
        abstract: "Averages the weights of several checkpoints and writes the model.",
        discussion:
            "Running statistics are averaged, too; they differ from those that the averaged network would collect."
    )

    @Argument(help: "The file to write, which must not exist.")
    var output: String

    @Argument(help: "Checkpoints or runs, all of the same network.")
    var checkpoints: [String]

    func run() throws {
        guard !FileManager.default.fileExists(atPath: output) else {
            throw CheckpointError(path: output, reason: "is there already; name another file")
        }
        let models = try checkpoints.map(loadCheckpoint)
        var average = try Checkpoint.average(of: models)
        average.software = .current
        try CheckpointStore.save(model: average, to: output)
        print("\(output): the mean of \(models.count) checkpoints")
    }
}
