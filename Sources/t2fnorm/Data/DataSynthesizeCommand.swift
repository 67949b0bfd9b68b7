import ArgumentParser
import Cluster
import DatasetPacking
import Datasets
import Foundation
import Synthesis

struct DataSynthesizeCommand: SingleProcessCommand {
    static let configuration = CommandConfiguration(
        commandName: "synthesize",
        abstract: "Generates the synthetic benchmark: ten classes of objects, and out-of-distribution sets.",
        discussion: """
            32×32 images of objects over varied backgrounds, generated from a seed alone: train, validation and test; near-shapes \
            (unseen objects in the same style); far-textures and far-noise. For trying the program and testing an \
            installation, not for results.

              t2fnorm data synthesize data/quickstart
            """)

    @Argument(help: "The folder for the datasets.")
    var folder: String

    @Option(help: "The random seed; another seed gives other images.")
    var seed: UInt64 = 0

    @Option(help: ArgumentHelp("Training images.", valueName: "n"))
    var trainCount: Int?

    @Option(help: ArgumentHelp("Images of each of the other sets.", valueName: "n"))
    var otherCount: Int?

    @Flag(help: "Replace existing datasets.")
    var overwrite = false

    func validate() throws {
        guard trainCount ?? 1 >= 1 else { throw ValidationError("--train-count is 1 or more") }
        guard otherCount ?? 1 >= 1 else { throw ValidationError("--other-count is 1 or more") }
    }

    func run() throws {
        for name in SyntheticSet.Name.allCases {
            let set = SyntheticSet(name, seed: seed, count: name == .train ? trainCount : otherCount)
            var options = PackingOptions()
            options.outOfDistribution = !name.isInDistribution
            options.overwrite = overwrite
            let records = GeneratedRecords(set, origin: set.origin, classNames: set.classNames)
            try pack(records, name: set.name, to: "\(folder)/\(set.name)", options, LocalCommunicator())
        }
    }
}
