import DatasetPacking
import Datasets
import Foundation
import RunConfiguration
import TestSupport
import Testing
import Training

/// A label means the same class in every set, and in the network.
@Suite(.timeLimit(.minutes(30))) struct ClassAgreementTests {
    /// Packs one image of each label.
    private func pack(
        _ labels: [Int32], names: [String] = [], count: Int? = nil, _ folder: String, _ name: String
    ) throws -> PackedDataset {
        let records = GeneratedRecords(origin: "drawn", classNames: names, count: labels.count) {
            (labels[$0], RGBImage(width: 1, height: 1, bytes: [0, 0, 0]))
        }
        var options = PackingOptions()
        options.classCount = count
        var packer = Packer(source: records, name: name, destination: "\(folder)/\(name)", options: options)
        _ = try packer.run()
        return try PackedDataset(path: "\(folder)/\(name)")
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func otherNamesAreRefusedWithTheFirstThatDiffers() throws {
        try withTemporaryFolder { folder in
            let training = try pack([0, 1, 2], names: ["a", "b", "c"], folder, "train")
            let classes = ClassAgreement(classes: 3, training: training.manifest)
            try classes.check(training)
            let same = try pack([0, 2], names: ["a", "b", "c"], folder, "same")
            try classes.check(same)
            let other = try pack([0, 1], names: ["a", "c"], folder, "other")
            #expect(
                message { try classes.check(other) }
                    == "could not use dataset 'other', \(folder)/other: class 1 is 'c', in the training set 'b'; "
                    + "pack it with --class-order or --class-names and the classes in the training set's order"
            )
            let turned = try pack([0, 1, 2], names: ["b", "a", "c"], folder, "turned")
            #expect(
                message { try classes.check(turned) }.contains("class 0 is 'b', in the training set 'a'"))
            let fewer = try pack([0, 1], names: ["a", "b"], folder, "fewer")
            #expect(message { try classes.check(fewer) }.contains("it has 2 classes, the training set 3"))
        }
    }

    /// Such as a network of 1,000 classes on a set of 200, in which most labels stand for other
    /// classes.
    @Test func anotherNumberOfClassesIsRefusedWhereItIsKnown() throws {
        try withTemporaryFolder { folder in
            let classes = ClassAgreement(classes: 5, training: nil)
            let named = try pack([0, 1], names: ["x", "y"], folder, "named")
            #expect(
                message { try classes.check(named) }.contains(
                    "\(folder)/named: it has 2 classes, the network was made for 5"))
            // A list has no class names, and its last classes may have no image.
            let listed = try pack([0, 3], folder, "listed")
            try classes.check(listed)
            let beyond = try pack([0, 5], folder, "beyond")
            #expect(
                message { try classes.check(beyond) }
                    == "could not use dataset 'beyond', \(folder)/beyond, record 1: its label is 5, expected 0..<5; check network.classes"
            )
        }
    }

    /// A benchmark's lists name no classes, but cover all of them.
    @Test func aBenchmarksSetHasAllClassesOfTheNetwork() throws {
        try withTemporaryFolder { folder in
            let path = try pack([0, 1, 2], folder, "listed").path
            try changeManifest(of: path) {
                $0["benchmark"] = [
                    "benchmark": "imagenet200", "version": "OpenOOD v1.5", "set": "test", "role": "test",
                    "list": "test.txt", "listHash": "0123456789abcdef", "listedCount": 3,
                ]
            }
            let set = try PackedDataset(path: path)
            try ClassAgreement(classes: 3, training: nil).check(set)
            #expect(
                message { try ClassAgreement(classes: 1000, training: nil).check(set) }
                    == "could not use dataset 'listed', \(path): it has 3 classes, the network was made for 1000; "
                    + "evaluate it with a network for its classes, or pack it with --class-order and the classes in the training set's order"
            )
        }
    }

    /// The trainer compares both sets before its first step.
    @Test func noRunStartsWithOtherClasses() throws {
        try SmallRun.with { run in
            try changeManifest(of: "\(run.folder)/validation") { manifest in
                let names = manifest["classNames"] as? [String] ?? []
                manifest["classNames"] = Array(names.reversed())
            }
            let names = try Manifest(folder: "\(run.folder)/train").classNames
            #expect(
                message { try run.train(ranks: 1) }.contains(
                    "\(run.folder)/validation: class 0 is '\(names[9])', in the training set '\(names[0])'"))
            var narrow = run
            narrow.configuration.data.validation = "\(run.folder)/train"
            narrow.configuration.network.classes = 5
            #expect(message { try narrow.train(ranks: 1) }.contains("expected 0..<5; check network.classes"))
        }
    }

    private func changeManifest(of folder: String, _ change: (inout [String: Any]) -> Void) throws {
        let file = URL(filePath: "\(folder)/manifest.json")
        var manifest = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        change(&manifest)
        try JSONSerialization.data(withJSONObject: manifest).write(to: file)
    }

    @Test func aNetworkWithMoreClassesThanItsDataIsNoted() throws {
        try withTemporaryFolder { folder in
            let training = try pack([0, 1], names: ["x", "y"], folder, "train")
            let classes = ClassAgreement(classes: 10, training: training.manifest)
            try classes.check(training)
            #expect(classes.note(on: training) == "network.classes is 10, the training set has 2 classes")
            #expect(ClassAgreement(classes: 2, training: nil).note(on: training) == nil)
        }
    }
}
