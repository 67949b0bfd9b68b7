import Kernels
import Memory
import Networks
import Synchronization
import TestSupport
import Testing
import Workers

/// Networks of which only a part is trained.
@Suite(.slow, .timeLimit(.minutes(30)))
struct FrozenLayersTests {
    private static let samples = 8

    /// What one step computes.
    private struct Step {
        var values: [Double] = []
        var gradients: [String: [Float]] = [:]
        var statistics: [String: [Float]] = [:]
        /// Parameters that were reported as complete.
        var completed: [Range<Int>] = []
    }

    private func step(
        _ name: NetworkName, only parts: [String] = [], fixesStatistics: Bool = false, size: Int = 16
    ) throws -> Step {
        let model = Classifier(name, head: .t2fnorm(temperature: 0.1), classes: 10, imageSize: size)
        for (index, entry) in model.parameters.entries.enumerated() where entry.role != .batchCount {
            let values = testValues(
                count: entry.count, stream: index, scale: 0.1, offset: entry.shape.count == 1 ? 1 : 0)
            model.parameters.setElements(of: entry, to: values)
        }
        if !parts.isEmpty { #expect(model.train(only: parts, fixesStatistics: fixesStatistics).isEmpty) }
        let completed = Mutex<[Range<Int>]>([])
        let context = StepContext(
            BatchPlacement(sampleCount: Self.samples, microbatchSize: 4), mode: .training,
            pool: WorkerPool(threads: 2), gradientsReady: { range in completed.withLock { $0.append(range) } }
        )
        let report = try model.differentiate(
            images: Buffer(
                testValues(count: Self.samples * size * size * 3, stream: 1, scale: 1.5), default: 0),
            labels: testLabels(count: Self.samples, classes: 10, stream: 2), context)
        var result = Step(values: report.values)
        for entry in model.parameters.entries {
            if entry.role == .parameter {
                result.gradients[entry.name] = model.parameters.gradientElements(of: entry)
            } else if entry.role == .statistic {
                result.statistics[entry.name] = model.parameters.elements(of: entry)
            }
        }
        result.completed = completed.withLock { $0 }
        let trained = model.parameters.trainedEntries
        #expect(trained.allSatisfy { entry in result.completed.contains { $0.overlaps(entry.range) } })
        #expect(
            result.completed.reduce(0) { $0 + $1.count } == trained.reduce(0) { $0 + $1.count },
            "each trained parameter once, and no other")
        return result
    }

    /// With the batch's statistics the forward pass is that of the whole network, so the gradients
    /// have its bits.
    @Test(arguments: [
        (NetworkName.resnet20, ["layer3", "head"]), (.resnet20, ["head"]),
        (.resnet20, ["layer2.1.conv2", "layer1"]),
        (.resnet18At32, ["layer4", "head"]), (.wideResNet40x2, ["block3", "bn1", "head"]),
        (.wideResNet40x2, ["block2.layer.3.bn2"]), (.resnet20, ["conv1", "bn1"]),
    ])
    func gradientsOfTheTrainedPartHaveTheBitsOfTheWhole(name: NetworkName, parts: [String]) throws {
        let whole = try step(name)
        let part = try step(name, only: parts)
        #expect(part.values == whole.values)
        #expect(part.statistics == whole.statistics)
        let trained = whole.gradients.keys.filter { key in
            parts.contains {
                $0 == "head" ? key.hasPrefix("fc.") || key.hasPrefix("linear.") : key.hasPrefix("\($0).")
            }
        }
        #expect(!trained.isEmpty)
        for key in trained {
            #expect(
                firstDifferentBits(try #require(part.gradients[key]), try #require(whole.gradients[key]))
                    == nil,
                "\(key)")
        }
    }

    /// The running statistics of the frozen part stay to the bit; those of the trained part move.
    @Test(arguments: [(NetworkName.resnet20, "layer3"), (.wideResNet40x2, "block3")])
    func fixedStatisticsAreUsedAndStay(name: NetworkName, part: String) throws {
        let whole = try step(name)
        let fixed = try step(name, only: [part, "head"], fixesStatistics: true)
        #expect(fixed.values != whole.values)
        let model = Classifier(name, head: .t2fnorm(temperature: 0.1), classes: 10)
        for (index, entry) in model.parameters.entries.enumerated() where entry.role == .statistic {
            let start = testValues(count: entry.count, stream: index, scale: 0.1, offset: 1)
            #expect(
                (fixed.statistics[entry.name] == start) == !entry.name.hasPrefix("\(part)."), "\(entry.name)")
        }
    }

    @Test func unknownPartsAreReturnedAndChangeNothing() {
        let model = Classifier(.resnet20, head: .linear, classes: 10)
        #expect(model.train(only: ["layer4", "head", "conv"], fixesStatistics: true) == ["layer4", "conv"])
        #expect(
            model.parameters.trainedEntries.count == model.parameters.entries.count { $0.role == .parameter })
        #expect(model.layerGroups == ["conv1", "bn1", "layer1", "layer2", "layer3", "head"])
    }

    @Test(arguments: [(NetworkName.resnet18At32, 8), (.resnet50, 16), (.wideResNet28x10, 0)])
    func theLastScalesOfBlocksAreZero(name: NetworkName, blocks: Int) {
        let model = Classifier(name, head: .linear, classes: 10, seed: 1)
        #expect(model.zeroResidualScales() == blocks)
        let last = name == .resnet50 ? "bn3.weight" : "bn2.weight"
        for entry in model.parameters.entries where entry.role == .parameter && entry.shape.count == 1 {
            let isLast = blocks > 0 && entry.name.hasSuffix(last)
            let isScale = entry.name.hasSuffix("weight")
            if isScale {
                #expect(
                    model.parameters.elements(of: entry).allSatisfy { $0 == (isLast ? 0 : 1) },
                    "\(entry.name)")
            }
        }
    }
}
