import Exchange
import Foundation
import Networks
import TestSupport
import Testing

/// Models in several shards with an index.
@Suite(.timeLimit(.minutes(30))) struct ShardTests {
    private let classifier: Classifier

    init() {
        classifier = Classifier(.resnet20, head: .linear, classes: 10)
        classifier.parameters.initialize(seed: 4)
    }

    /// Writes two shards and their index to a folder; `change` may alter the file that the index
    /// gives for a tensor.
    private func write(to folder: String, _ change: (inout [String: String]) -> Void = { _ in }) throws
        -> String
    {
        let tensors = SampleTensor.all(of: classifier)
        let parts = [Array(tensors.prefix(30)), Array(tensors.dropFirst(30))]
        var map: [String: String] = [:]
        for (index, part) in parts.enumerated() {
            let file = "model-0000\(index + 1)-of-00002.safetensors"
            try Data(part.safetensors).write(to: URL(filePath: "\(folder)/\(file)"))
            for tensor in part { map[tensor.name] = file }
        }
        change(&map)
        let index = "\(folder)/model.safetensors.index.json"
        let content: [String: Any] = ["metadata": ["total_size": 1], "weight_map": map]
        try JSONSerialization.data(withJSONObject: content).write(to: URL(filePath: index))
        return index
    }

    private func error(_ path: String, sourceLocation: SourceLocation = #_sourceLocation) -> ExchangeError? {
        #expect(throws: ExchangeError.self, sourceLocation: sourceLocation) { try ModelFile(path: path) }
    }

    @Test func shardsAreReadByTheirIndex() throws {
        try withTemporaryFolder { folder in
            let file = try ModelFile(path: try write(to: folder))
            #expect(file.shardCount == 2 && file.format == .safetensors)
            let again = try file.makeClassifier(.resnet20)
            for entry in classifier.parameters.entries {
                #expect(again.parameters.elements(of: entry) == classifier.parameters.elements(of: entry))
            }
        }
    }

    @Test func oneShardAloneIsSaidWithItsIndex() throws {
        try withTemporaryFolder { folder in
            let index = try write(to: folder)
            let reason = error("\(folder)/model-00002-of-00002.safetensors")?.reason
            #expect(reason == "is shard 2 of 2 of a model by its name; name their index: \(index)")
            try FileManager.default.removeItem(atPath: index)
            #expect(
                error("\(folder)/model-00001-of-00002.safetensors")?.reason
                    == "is shard 1 of 2 of a model by its name; name their index, a file NAME.index.json, which is not in its folder: download it too"
            )
        }
    }

    @Test func aShardThatIsMissingIsNamed() throws {
        try withTemporaryFolder { folder in
            let index = try write(to: folder)
            let shard = "\(folder)/model-00002-of-00002.safetensors"
            try FileManager.default.removeItem(atPath: shard)
            #expect(
                error(index)
                    == ExchangeError(path: shard, reason: "could not be read: no such file or directory"))
        }
    }

    @Test func shardsThatAreNotTheIndexsAreRefused() throws {
        try withTemporaryFolder { folder in
            let index = try write(to: folder) { $0["conv1.weight"] = "model-00002-of-00002.safetensors" }
            #expect(error(index)?.reason.contains("'conv1.weight', which the index") == true)
            let other = try write(to: folder) { $0["gone.weight"] = "model-00002-of-00002.safetensors" }
            #expect(error(other)?.reason.hasPrefix("does not hold tensor 'gone.weight'") == true)
        }
    }

    @Test(arguments: ["../x.safetensors", "/etc/passwd", "..", "", "a\nb"])
    func aShardOutsideOfTheIndexsFolderIsRefused(name: String) throws {
        try withTemporaryFolder { folder in
            let index = try write(to: folder) { $0["conv1.weight"] = name }
            let reason = try #require(error(index)?.reason)
            #expect(
                reason.hasPrefix("names the shard '")
                    && reason.hasSuffix("expected a file in the index's folder"))
        }
    }

    @Test func anIndexThatNamesItselfIsRefused() throws {
        try withTemporaryFolder { folder in
            let index = try write(to: folder) { $0 = ["conv1.weight": "model.safetensors.index.json"] }
            #expect(error(index)?.reason.hasPrefix("is JSON, but not the index") == true)
        }
    }
}
