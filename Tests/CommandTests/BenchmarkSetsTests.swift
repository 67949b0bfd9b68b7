import DatasetPacking
import Datasets
import Evaluation
import RunConfiguration
import Synthesis
import TestSupport
import Testing
import Training

/// An evaluation compares the classes of its labelled sets with the network's before it begins.
@Suite(.timeLimit(.minutes(30))) struct BenchmarkSetsTests {
    private static let names = ["cat", "dog", "ship"]

    /// Packs one image for each class name.
    private func pack(_ names: [String], _ folder: String, _ set: String) throws -> Manifest {
        let records = GeneratedRecords(origin: "drawn", classNames: names, count: names.count) {
            (Int32($0), RGBImage(width: 1, height: 1, bytes: [0, 0, 0]))
        }
        var packer = Packer(source: records, name: set, destination: "\(folder)/\(set)", options: .init())
        return try packer.run()
    }

    /// The error of opening the sets for a network of `classes` classes; empty if there is none.
    private func message(_ folder: String, classes: Int, training: Manifest?) -> String {
        var definition = BenchmarkDefinition(
            name: "small", test: BenchmarkDefinition.ImageSet(name: "test", folder: "test"))
        definition.csid = [BenchmarkDefinition.ImageSet(name: "shifted", folder: "shifted")]
        do {
            _ = try BenchmarkSets(definition, in: folder, with: [], RunConfiguration())
                .open([:], classes: ClassAgreement(classes: classes, training: training))
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func otherClassesOfATestOrShiftedSetAreRefused() throws {
        try withTemporaryFolder { folder in
            let training = try pack(Self.names, folder, "train")
            _ = try pack(Self.names, folder, "test")
            _ = try pack(Self.names, folder, "shifted")
            #expect(message(folder, classes: 3, training: training) == "")
            #expect(
                message(folder, classes: 1000, training: nil).contains(
                    "\(folder)/test: it has 3 classes, the network was made for 1000"))
            let other = try pack(["dog", "cat", "ship"], folder, "other")
            #expect(
                message(folder, classes: 3, training: other).contains(
                    "\(folder)/test: class 0 is 'cat', in the training set 'dog'"))
        }
        try withTemporaryFolder { folder in
            let training = try pack(Self.names, folder, "train")
            _ = try pack(Self.names, folder, "test")
            _ = try pack(["cat", "ship", "dog"], folder, "shifted")
            #expect(
                message(folder, classes: 3, training: training).contains(
                    "\(folder)/shifted: class 1 is 'ship', in the training set 'dog'"))
        }
    }
}
