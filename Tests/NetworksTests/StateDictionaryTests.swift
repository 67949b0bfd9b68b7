import Networks
import TestSupport
import Testing

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
        (.resnet56, 10, 853_018, 332),
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

    @Test func batchNormBuffersOfResNet18AreAsManyAsPyTorchs() {
        let entries = Classifier(.resnet18At32, head: .linear, classes: 10).parameters.entries
        let buffers = entries.filter { $0.role != .parameter }
        #expect(buffers.reduce(0) { $0 + $1.count } == 9620)
        #expect(entries.count { $0.role == .parameter } == 62)
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
