import Networks
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30)))
struct StateDictionaryTests {
    @Test(arguments: FixtureNetwork.all)
    func namesOrderAndShapesArePyTorchs(network: FixtureNetwork) throws {
        let fixture = try PyTorchFixture(named: network.fixture)
        let entries = Classifier(network.name, head: .linear, classes: 10).parameters.entries
        #expect(entries.map(\.name) == fixture.entries.map(\.name))
        #expect(entries.map(\.shape) == fixture.entries.map(\.shape))
    }

    @Test(arguments: [
        (NetworkName.resnet18At32, 10, 11_173_962, 122), (.resnet18At32, 100, 11_220_132, 122),
        (.resnet20, 10, 269_722, 116), (.resnet32, 10, 464_154, 188), (.resnet44, 10, 658_586, 260),
        (.resnet56, 10, 853_018, 332), (.resnet18At224, 200, 11_279_112, 122),
        (.resnet18At224, 1000, 11_689_512, 122), (.resnet34, 1000, 21_797_672, 218),
        (.resnet50, 1000, 25_557_032, 320), (.resnet101, 1000, 44_549_160, 626),
        (.resnet18BlurPool, 1000, 11_689_512, 122), (.resnet50BlurPool, 1000, 25_557_032, 320),
        (.wideResNet28x10, 10, 36_479_194, 155), (.wideResNet40x2, 10, 2_243_546, 227),
    ])
    func parametersAndEntriesAreAsManyAsPyTorchs(
        name: NetworkName, classes: Int, parameters: Int, entries: Int
    ) {
        let store = Classifier(name, head: .linear, classes: classes).parameters
        #expect(store.parameterCount == parameters)
        #expect(store.entries.count == entries)
        let trained = store.entries.filter { $0.role == .parameter }
        #expect(trained.reduce(0) { $0 + $1.count } == parameters)
    }

    @Test(arguments: [
        (NetworkName.resnet18At32, 9620, 62), (.resnet18At224, 9620, 62), (.resnet50, 53_173, 161),
        (.wideResNet28x10, 17_977, 80),
    ])
    func batchNormBuffersAndParameterTensorsAreAsManyAsPyTorchs(
        name: NetworkName, buffers: Int, parameterTensors: Int
    ) {
        let entries = Classifier(name, head: .linear, classes: 10).parameters.entries
        #expect(entries.filter { $0.role != .parameter }.reduce(0) { $0 + $1.count } == buffers)
        #expect(entries.count { $0.role == .parameter } == parameterTensors)
    }

    @Test(arguments: [
        (NetworkName.resnet18At32, 555_417_600, 512), (.resnet18At224, 1_813_561_344, 512),
        (.resnet50, 4_087_136_256, 2048), (.wideResNet28x10, 5_243_322_368, 640),
    ])
    func anImageTakesAsManyMultiplicationsAsPyTorchs(name: NetworkName, convolutions: Int, features: Int) {
        let classifier = Classifier(name, head: .linear, classes: 100)
        #expect(classifier.multiplyAccumulates == convolutions + 100 * features)
    }

    @Test func theImagesMayHaveAnotherSize() {
        let small = Classifier(.resnet50, head: .linear, classes: 10, imageSize: 64)
        let usual = Classifier(.resnet50, head: .linear, classes: 10)
        #expect(small.parameters.entries == usual.parameters.entries)
        #expect(small.imageCount == 64 * 64 * 3)
        #expect(usual.imageCount == 224 * 224 * 3)
    }

    @Test(arguments: NetworkName.allCases)
    func parametersLieWithoutGapsOrOverlaps(name: NetworkName) {
        let store = Classifier(name, head: .linear, classes: 10).parameters
        for role in [TensorEntry.Role.parameter, .statistic] {
            var end = 0
            for entry in store.entries where entry.role == role {
                #expect(entry.range == end..<end + entry.count, "\(entry.name)")
                end = entry.range.upperBound
            }
        }
    }

    @Test func elementsComeBackInTheOrderTheyWereSet() {
        let store = Classifier(.resnet20, head: .linear, classes: 10).parameters
        for (index, entry) in store.entries.enumerated() where entry.role != .batchCount {
            store.setElements(of: entry, to: testValues(count: entry.count, stream: index))
        }
        for (index, entry) in store.entries.enumerated() where entry.role != .batchCount {
            #expect(
                store.elements(of: entry) == testValues(count: entry.count, stream: index), "\(entry.name)")
        }
    }
}
