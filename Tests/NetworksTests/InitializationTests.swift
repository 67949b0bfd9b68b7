import Kernels
import Memory
import Networks
import TestSupport
import Testing

@Suite(.slow, .timeLimit(.minutes(30)))
struct InitializationTests {
    /// Bounds of PyTorch's default, measured on its ResNet-18 for 32×32 images.
    @Test(arguments: [
        ("conv1.weight", 0.19245), ("layer1.0.conv1.weight", 0.041667), ("layer1.1.conv2.weight", 0.041667),
        ("layer4.1.conv1.weight", 0.0147314), ("layer4.0.shortcut.0.weight", 0.0625),
        ("fc.weight", 0.0441942), ("fc.bias", 0.0441942),
    ])
    func tensorsOfResNet18FillTheirBounds(name: String, bound: Double) throws {
        let store = Classifier(.resnet18At32, head: .linear, classes: 100).parameters
        store.initialize(seed: 1)
        let entry = try #require(store.entries.first { $0.name == name })
        let values = store.elements(of: entry).doubles
        let largest = values.map(abs).max() ?? 0
        #expect(largest <= bound * 1.00001)
        // The largest of n uniform numbers is below 1 − 14 / n once in a million.
        #expect(largest > bound * (1 - 14 / Double(values.count)))
        expectMoments(of: values, deviation: bound / 3.0.squareRoot(), kurtosis: 1.8)
    }

    @Test func tensorsOfOneShapeAreDifferent() throws {
        let store = Classifier(.resnet20, head: .linear, classes: 10).parameters
        store.initialize(seed: 1)
        let values = try ["layer1.0.conv1.weight", "layer1.0.conv2.weight", "layer1.1.conv1.weight"].map {
            name in
            store.elements(of: try #require(store.entries.first { $0.name == name }))
        }
        for (first, second) in [(0, 1), (0, 2), (1, 2)] {
            #expect(firstDifferentBits(values[first], values[second]) != nil)
        }
    }

    /// Kaiming-normal with the fan-in, for convolutions and the classifier.
    @Test(arguments: [
        ("conv1.weight", 27), ("layer1.0.conv1.weight", 144), ("layer2.0.conv1.weight", 144),
        ("layer3.2.conv2.weight", 576), ("linear.weight", 64),
    ])
    func tensorsOfResNet20AreNormal(name: String, fanIn: Int) throws {
        let store = Classifier(.resnet20, head: .linear, classes: 10).parameters
        store.initialize(seed: 1)
        let entry = try #require(store.entries.first { $0.name == name })
        let deviation = (2 / Double(fanIn)).squareRoot()
        expectMoments(of: store.elements(of: entry).doubles, deviation: deviation, kurtosis: 3)
    }

    /// Kaiming-normal with the fan-out: the deviations of torchvision's ResNet-18.
    @Test(arguments: [
        ("conv1.weight", 0.02525), ("layer1.0.conv1.weight", 0.05893),
        ("layer4.0.downsample.0.weight", 0.0625),
    ])
    func convolutionsOfResNet18At224AreNormal(name: String, deviation: Double) throws {
        let store = Classifier(.resnet18At224, head: .linear, classes: 10).parameters
        store.initialize(seed: 1)
        let entry = try #require(store.entries.first { $0.name == name })
        expectMoments(of: store.elements(of: entry).doubles, deviation: deviation, kurtosis: 3)
    }

    @Test(arguments: ["fc.weight", "fc.bias"])
    func theLastLayerOfResNet50IsUniform(name: String) throws {
        let store = Classifier(.resnet50, head: .linear, classes: 1000).parameters
        store.initialize(seed: 1)
        let entry = try #require(store.entries.first { $0.name == name })
        let bound = 1 / 2048.0.squareRoot()
        let values = store.elements(of: entry).doubles
        #expect(values.allSatisfy { abs($0) <= bound })
        expectMoments(of: values, deviation: bound / 3.0.squareRoot(), kurtosis: 1.8)
    }

    @Test(arguments: FixtureNetwork.all)
    func batchNormsStartAsTheIdentity(network: FixtureNetwork) {
        let store = Classifier(network.name, head: .linear, classes: 10).parameters
        store.initialize(seed: 1)
        for entry in store.entries where entry.shape.count == 1 && !entry.name.hasSuffix(".bias") {
            let start: Float = entry.name.hasSuffix("running_mean") ? 0 : 1
            #expect(store.elements(of: entry).allSatisfy { $0 == start }, "\(entry.name)")
        }
        for entry in store.entries where entry.name.contains("bn") && entry.name.hasSuffix(".bias") {
            #expect(store.elements(of: entry).allSatisfy { $0 == 0 }, "\(entry.name)")
        }
        #expect(store.batchCount == 0)
    }

    @Test func theSeedDecidesEveryTensor() {
        let stores = [1, 1, 2].map { (seed: UInt64) in
            let store = Classifier(.resnet20, head: .linear, classes: 10).parameters
            store.initialize(seed: seed)
            return store.values.copyToArray()
        }
        #expect(stores[0].bits == stores[1].bits)
        #expect(stores[0].bits != stores[2].bits)
    }

    /// Mean and variance within five standard errors.
    private func expectMoments(of values: [Double], deviation: Double, kurtosis: Double) {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let square = values.reduce(0) { $0 + $1 * $1 } / count / (deviation * deviation)
        #expect(abs(mean) < 5 * deviation / count.squareRoot())
        #expect(abs(square - 1) < 5 * ((kurtosis - 1) / count).squareRoot())
    }
}
