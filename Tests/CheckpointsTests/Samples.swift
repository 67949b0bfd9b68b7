import Checkpoints
import Foundation
import Kernels
import Networks
import TestSupport

/// Snapshots of small networks in which every tensor has different values.
enum Samples {
    /// A classifier whose tensor number `i` holds the test values of stream `i`.
    static func classifier(
        _ name: NetworkName = .resnet20, head: HeadKind = .t2fnorm(temperature: 0.1), classes: Int = 10,
        convolutions: AlgorithmSelection = .shape
    ) -> Classifier {
        let classifier = Classifier(name, head: head, classes: classes, convolutions: convolutions)
        let store = classifier.parameters
        for (index, entry) in store.entries.enumerated() where entry.role != .batchCount {
            store.setElements(of: entry, to: testValues(count: entry.count, stream: index))
        }
        return classifier
    }

    /// As if measured: the last algorithm of each shape.
    static var autotuned: AlgorithmSelection {
        .autotuned(
            algorithms: NetworkName.resnet20.convolutionShapes.map {
                .init(shape: $0, algorithm: Convolution.algorithms(for: $0).last!)
            })
    }

    static func position(step: Int) -> TrainingPosition {
        var position = TrainingPosition()
        position.step = step
        position.stepInEpoch = step % 10
        position.epoch = step / 10
        // Not a short binary fraction, to test that all bits come back.
        position.epochLoss = 0.1 * Double(step)
        position.bestAccuracy = 1 / 3
        return position
    }

    static func checkpoint(of classifier: Classifier = Samples.classifier(), step: Int = 7) -> Checkpoint {
        let momentum = classifier.parameters.entries.filter { $0.role == .parameter }.enumerated().map {
            Checkpoint.Tensor(
                name: $1.name, shape: $1.shape,
                elements: testValues(count: $1.count, stream: 1000 + $0))
        }
        return Checkpoint(
            classifier, slots: [.init(.momentum, tensors: momentum)], position: position(step: step),
            configuration: "name: test\n",
            dataFingerprint: "0123456789abcdef")
    }

    /// The names in a folder, in order.
    static func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    /// Changes one bit of the byte at `offset`; below 0, counted from the end.
    static func damage(_ path: String, at offset: Int) throws {
        var bytes = try Data(contentsOf: URL(filePath: path))
        bytes[offset < 0 ? bytes.count + offset : offset] ^= 1
        try bytes.write(to: URL(filePath: path))
    }

    /// Changes one bit in the middle of the first place that holds these elements.
    static func damage(_ path: String, elements: [Float]) throws {
        let bytes = try Data(contentsOf: URL(filePath: path))
        let wanted = Data(
            elements.flatMap { value in (0..<4).map { UInt8(value.bitPattern >> (8 * $0) & 255) } })
        guard let place = bytes.firstRange(of: wanted) else { throw NotFound() }
        try damage(path, at: place.lowerBound + wanted.count / 2)
    }

    struct NotFound: Error {}

    /// Keeps only the first part of a file.
    static func truncate(_ path: String, to share: Double) throws {
        let bytes = try Data(contentsOf: URL(filePath: path))
        try bytes.prefix(Int(share * Double(bytes.count))).write(to: URL(filePath: path))
    }
}
