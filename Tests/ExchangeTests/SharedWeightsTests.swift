import Exchange
import Networks
import TestSupport
import Testing

@Suite(
    .slow, .enabled(if: SharedWeights.isThere, "needs ../shared/data/weights, or T2FNORM_DATA"), .serialized,
    .timeLimit(.minutes(30)))
struct SharedWeightsTests {
    /// The README's table covers all 1,017 records; the logits are those of the first 16.
    @Test(arguments: [
        ("resnet20-12fca82f.th", NetworkName.resnet20), ("resnet20-12fca82f.zip-format.pth", .resnet20),
        ("resnet32-d509ac18.th", .resnet32), ("resnet44-014dd654.th", .resnet44),
        ("resnet56-4bfd9763.th", .resnet56),
    ])
    func logitsAndPredictionsAreThoseOfPyTorch(file: String, network: NetworkName) throws {
        let golden = try SharedWeights.golden().models
        let expected = try #require(golden.first { $0.file.prefix(17) == file.prefix(17) })
        let model = try ModelFile(path: "\(SharedWeights.folder)/weights/\(file)")
        #expect(model.format == (file.hasSuffix(".th") ? .legacyPyTorch : .pytorch))
        let classifier = try model.makeClassifier(network)
        #expect(classifier.headKind == .linear && classifier.classes == 10)

        let records = try SharedWeights.testRecords()
        var correct = 0
        for start in stride(from: 0, to: 1017, by: 113) {
            let part = records[start * 3073..<(start + 113) * 3073]
            let rows = try logits(classifier, records: part, mean: expected.mean, deviation: expected.std)
            for (index, row) in rows.enumerated() {
                let label = Int(records[(start + index) * 3073])
                correct += row.firstIndex(of: row.max() ?? 0) == label ? 1 : 0
                guard start == 0, index < 16 else { continue }
                for (own, other) in zip(row, expected.logits[index]) {
                    // The file has five decimals.
                    #expect(abs(Double(own) - other) < 1e-4, "image \(index)")
                }
            }
        }
        #expect(correct == expected.correct)
    }

    @Test func bothFormatsHoldTheSameTensors() throws {
        let old = try ModelFile(path: "\(SharedWeights.folder)/weights/resnet20-12fca82f.th")
        let new = try ModelFile(path: "\(SharedWeights.folder)/weights/resnet20-12fca82f.zip-format.pth")
        #expect(old.tensors.map(\.name) == new.tensors.map { "module.\($0.name)" })
        for (a, b) in zip(old.tensors, new.tensors) {
            #expect(a.tensor.shape == b.tensor.shape && a.tensor.floats() == b.tensor.floats())
        }
    }

    @Test func anotherNetworkIsNamed() throws {
        let model = try ModelFile(path: "\(SharedWeights.folder)/weights/resnet32-d509ac18.th")
        let error = #expect(throws: ExchangeError.self) { try model.makeClassifier(.resnet20) }
        #expect(
            error?.reason == "holds a resnet32, not a resnet20 (60 unexpected); give --network resnet32")
    }
}
