import Checksums
import Datasets
import Foundation
import HDF5
import TestSupport
import Testing

/// Fingerprints that every build must reproduce on every processor, whatever kernels the BLAS
/// library selects.
struct GoldenBits: Codable, Equatable {
    /// Fingerprints of the synthetic sets.
    var data: [String: String] = [:]
    /// Fingerprints of weights and momentum.
    var checkpoints: [String: [String: String]] = [:]
    /// Fingerprints of the confidences of all synthetic images, by score.
    var confidences: [String: String] = [:]

    static func load() throws -> GoldenBits {
        try JSONDecoder().decode(Self.self, from: fixtureData(named: "golden"))
    }

    func save() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try (encoder.encode(self) + Data("\n".utf8)).write(to: fixtureURL(named: "golden"))
    }

    /// The differences, one line each.
    func differences(from other: GoldenBits) -> [String] {
        func compare<Value: Equatable>(_ kind: String, _ key: KeyPath<GoldenBits, [String: Value]>)
            -> [String]
        {
            let (mine, theirs) = (self[keyPath: key], other[keyPath: key])
            return Set(mine.keys).union(theirs.keys).sorted().filter { mine[$0] != theirs[$0] }.map {
                "\(kind) \($0): \(mine[$0].map { "\($0)" } ?? "none"), expected \(theirs[$0].map { "\($0)" } ?? "none")"
            }
        }
        return compare("data", \.data) + compare("checkpoint", \.checkpoints)
            + compare("confidences", \.confidences)
    }
}

/// The runs that give the golden bits, by one build of the program with one BLAS core type.
struct GoldenRun {
    let machine: OtherMachine
    let folder: String

    /// The training runs: one epoch of 20 steps of 16 synthetic images with every head on the
    /// smallest network and in mixed precision, 2 steps of 4 images at 224×224 in both precisions,
    /// and two networks overfitted to their 90 images, for the scores.
    private static let runs: [(name: String, settings: [String])] = {
        let heads = [
            ("t2fnorm", []), ("linear", ["head.name=linear"]),
            ("label-smoothing", ["head.name=linear", "loss.smoothing=0.1"]),
            ("mixup", ["head.name=linear", "mixing.name=mixup"]),
        ]
        let mixed = ("mixed", ["compute.precision=mixed"])
        let networks =
            (heads + [mixed]).map { ("resnet20", $0) } + [heads[0], mixed].map { ("resnet18_32x32", $0) }
        let small = networks.map { network, head in
            (
                "\(network)-\(head.0)",
                [
                    "network.name=\(network)", "training.batch=16", "training.microbatch=4",
                    "training.stopAfterSteps=20",
                ] + head.1
            )
        }
        let large = [
            "network.name=resnet50", "training.batch=4", "training.microbatch=2", "training.stopAfterSteps=2",
            "data.transform.crop=resized", "data.transform.size=224",
        ]
        let scored = [
            "network.name=resnet20", "training.batch=30", "training.microbatch=15", "training.epochs=30",
            "data.transform.flip=false", "data.transform.padding=0", "optimizer.learningRate=0.03",
        ]
        return small + [
            ("resnet50-t2fnorm", large), ("resnet50-mixed", large + mixed.1), ("scored", scored),
            ("member", scored + ["head.name=linear"]),
        ]
    }()

    func bits() async throws -> GoldenBits {
        var bits = GoldenBits()
        for (set, count) in [("data", 320), ("few", 90)] {
            _ = try await t2fnorm(
                [
                    "data", "synthesize", "\(folder)/\(set)", "--train-count", "\(count)", "--other-count",
                    "20",
                ])
        }
        for set in ["train", "validation", "test", "near-shapes", "far-textures", "far-noise"] {
            bits.data[set] = try PackedDataset(path: "\(folder)/data/\(set)").fingerprint
        }
        for (name, settings) in Self.runs {
            _ = try await t2fnorm(
                ["train"] + common(name, data: name.contains("-") ? "data" : "few")
                    + settings.flatMap { ["--set", $0] })
            let shown = try await t2fnorm(["checkpoint", "show", "\(folder)/runs/\(name)/s0"])
            let hashes = try #require(
                shown.firstMatch(of: /fingerprint: weights ([0-9a-f]{16}), momentum ([0-9a-f]{16})/))
            bits.checkpoints[name] = ["weights": String(hashes.1), "momentum": String(hashes.2)]
        }
        bits.confidences = try await confidences()
        return bits
    }

    /// Fingerprints of each score's confidences over the images of all sets.
    private func confidences() async throws -> [String: String] {
        let names = try await scoreNames()
        _ = try await t2fnorm(
            [
                "evaluate", "\(folder)/runs/scored/s0", "--checkpoint", "latest", "--save-scores",
                "--ensemble",
            ]
                + ["\(folder)/runs/member"] + ["--score"] + names)
        let file = try HDF5File(opening: "\(folder)/runs/scored/s0/scores/test.h5")
        var checksums: [String: CRC64] = [:]
        for set in try file.memberNames(of: "/").sorted() {
            for name in names {
                let place = "\(set)/score/\(name)"
                if try file.elementType(of: place) == .double {
                    let values: [Double] = try file.read(place)
                    checksums[name, default: CRC64()].update(values)
                } else {
                    let values: [Float] = try file.read(place)
                    checksums[name, default: CRC64()].update(values)
                }
            }
        }
        return checksums.mapValues(\.hexadecimal)
    }

    /// All scores of `evaluate`, as listed in its help.
    private func scoreNames() async throws -> [String] {
        let help = try await t2fnorm(["help", "evaluate"])
        let list = try #require(
            help.replacing(/\s+/, with: " ").firstMatch(of: /configuration's: ([a-z0-9_, ]+)\./)
        ).1
        return list.split(separator: ", ").map(String.init)
    }

    private func common(_ name: String, data: String) -> [String] {
        [
            "name=\(name)", "output=\(folder)/runs", "training.epochs=4", "compute.threads=2",
            "data.train=\(folder)/\(data)/train", "data.validation=\(folder)/data/validation",
            "data.test=\(folder)/data/test", "evaluation.outlierValidation=\(folder)/data/near-shapes",
            "evaluation.near={near-shapes: \(folder)/data/near-shapes}",
            "evaluation.far={textures: \(folder)/data/far-textures, noise: \(folder)/data/far-noise}",
        ].flatMap { ["--set", $0] }
    }

    private func t2fnorm(_ arguments: [String]) async throws -> String {
        let outcome = try await Command(
            machine.program, arguments, environment: ["OPENBLAS_CORETYPE": machine.blasCore],
            timeLimit: .seconds(600)
        ).run()
        try #require([0, 75].contains(outcome.exitCode), "\(arguments): \(outcome.standardError)")
        return outcome.standardOutput
    }
}
