import Foundation
import Memory
import Networks
import Workers

/// The trained CIFAR-10 networks of the shared folder, with PyTorch's results.
struct SharedWeights: Decodable {
    struct Model: Decodable {
        var file: String
        var mean: [Float]
        var std: [Float]
        var correct: Int
        var logits: [[Double]]
    }

    var models: [Model]

    static let folder: String = {
        if let path = ProcessInfo.processInfo.environment["T2FNORM_DATA"] { return path }
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return root.appending(path: "../shared/data").standardizedFileURL.path
    }()

    static var isThere: Bool { FileManager.default.fileExists(atPath: "\(folder)/weights") }

    static func golden() throws -> SharedWeights {
        try JSONDecoder().decode(
            SharedWeights.self,
            from: Data(contentsOf: URL(filePath: "\(folder)/weights/golden_logits.json")))
    }

    /// The lossless test images: records of a label and 1,024 values each of red, green and blue.
    static func testRecords() throws -> [UInt8] {
        let path = "\(folder)/cifar10/cifar-10-batches-bin-partial/test_batch.bin"
        return [UInt8](try Data(contentsOf: URL(filePath: path)))
    }
}

/// Logits of `classifier`, one row per record of CIFAR-10's binary format.
func logits(_ classifier: Classifier, records: ArraySlice<UInt8>, mean: [Float], deviation: [Float]) throws
    -> [[Float]]
{
    let records = Array(records)
    let count = records.count / 3073
    var images = [Float](repeating: 0, count: count * 3072)
    for image in 0..<count {
        for pixel in 0..<1024 {
            for c in 0..<3 {
                let value = Float(records[image * 3073 + 1 + c * 1024 + pixel]) / 255
                images[(image * 1024 + pixel) * 3 + c] = (value - mean[c]) / deviation[c]
            }
        }
    }
    return try logits(classifier, images: images, count: count)
}

/// Logits of `classifier` for `count` images, NHWC.
func logits(_ classifier: Classifier, images: [Float], count: Int) throws -> [[Float]] {
    let context = StepContext(
        BatchPlacement(sampleCount: count, microbatchSize: count), mode: .evaluation,
        pool: WorkerPool(threads: 2))
    let values = try classifier.forward(images: Buffer(images, default: 0), context).logits
    return stride(from: 0, to: values.count, by: classifier.classes).map {
        Array(values[$0..<$0 + classifier.classes])
    }
}
