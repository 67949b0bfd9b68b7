import Checkpoints
import Kernels
import Memory
import Networks
import RunConfiguration
import TestSupport
import Testing
import Training
import Workers

/// What every optimiser promises, but its runs.
@Suite(.timeLimit(.minutes(30)))
struct OptimizerTests {
    @Test(.slow, arguments: OptimizerRow.all, [1, 2])
    func threeUpdatesFollowThePlainTwin(row: OptimizerRow, threads: Int) throws {
        let store = Self.store(stream: 5)
        let entries = store.entries.filter { $0.role == .parameter }
        var twins = entries.map { PlainTensor(values: store.elements(of: $0).doubles, kind: $0.kind) }
        let configuration = try row.configuration(["weightDecay=0.05"])
        var optimizer = Optimizer(configuration, of: store)
        #expect(optimizer.layout.slots.map(\.name) == row.slots)
        let pool = WorkerPool(threads: threads)
        for number in 1...3 {
            store.gradients = Buffer(
                testValues(count: store.parameterCount, stream: 20 + number), default: 0)
            let gradients = entries.map { store.gradientElements(of: $0).doubles }
            optimizer.update(store, number: number, learningRate: 0.05, on: pool)
            for index in twins.indices {
                let decay = row.undecayed.contains(twins[index].kind) ? 0 : 0.05
                row.twin(
                    &twins[index],
                    PlainUpdate(gradient: gradients[index], number: number, rate: 0.05, weightDecay: decay))
            }
        }
        for (entry, twin) in zip(entries, twins) {
            #expect(relativeError(store.elements(of: entry), twin.values) < 1e-6, "\(entry.name)")
            for (slot, state) in twin.state.enumerated() {
                let place = try #require(optimizer.layout.entry(entry, inSlot: slot))
                #expect(
                    relativeError(place.elements(in: optimizer.slots), state) < 1e-6,
                    "\(row.slots[slot]) of \(entry.name)")
            }
        }
    }

    /// ½ |w|² from values of about 1.
    @Test(.slow, arguments: OptimizerRow.all)
    func aParabolaIsDescended(row: OptimizerRow) throws {
        let store = Self.store(stream: 6)
        var optimizer = Optimizer(try row.configuration(), of: store)
        let pool = WorkerPool(threads: 1)
        let start = euclideanNorm(store.values.copyToArray().doubles)
        for number in 1...200 {
            withSpans(store.values, into: &store.gradients, count: store.parameterCount) {
                copy($0, from: 0, count: store.parameterCount, into: &$1, at: 0)
            }
            optimizer.update(
                store, number: number, learningRate: row.rate * Double(200 - number) / 200, on: pool)
        }
        let end = euclideanNorm(store.values.copyToArray().doubles)
        #expect(end < 0.01 * start, "\(start) to \(end)")
    }

    @Test func everyOptimizerIsInTheTable() throws {
        let names = Set(try OptimizerRow.all.map { try $0.configuration().name })
        #expect(names == Set(OptimizerConfiguration.Name.allCases))
    }

    /// Biases, and a network's last scale, may start at 0.
    @Test(arguments: OptimizerRow.all)
    func aTensorOfZerosIsUpdated(row: OptimizerRow) throws {
        let store = Classifier(.resnet20, head: .linear, classes: 10).parameters
        store.gradients = Buffer(count: store.parameterCount, repeating: 1)
        var optimizer = Optimizer(try row.configuration(), of: store)
        optimizer.update(store, number: 1, learningRate: 0.1, on: WorkerPool(threads: 1))
        #expect(store.values.copyToArray().allSatisfy { $0 < -0.05 && $0.isFinite })
    }

    /// The average after updates 2 and 4, the first of which copies; running statistics, too.
    @Test func theAverageFollowsItsDefinition() throws {
        let store = Self.store(stream: 7)
        var optimizer = Optimizer(
            MomentumSGD(momentum: 0.9, usesNesterov: true), weightDecay: 0,
            average: WeightAverage(decay: 0.75, every: 2), of: store)
        let layout = optimizer.layout
        let start = store.values.copyToArray()
        let pool = WorkerPool(threads: 2)
        func average(_ range: Range<Int>) -> [Float] { Array(optimizer.slots.copyToArray()[range]) }
        var seen: [(values: [Double], statistics: [Double])] = []
        for number in 1...5 {
            store.gradients = Buffer(testValues(count: store.parameterCount, stream: number), default: 0)
            store.statistics = Buffer(
                testValues(count: store.statistics.count, stream: 30 + number), default: 0)
            optimizer.update(store, number: number, learningRate: 0.05, on: pool)
            seen.append((store.values.copyToArray().doubles, store.statistics.copyToArray().doubles))
            if number == 1 {
                #expect(firstDifferentBits(average(layout.parameters(ofSlot: 1)), start) == nil)
            }
            if number == 2 {
                #expect(
                    firstDifferentBits(average(layout.parameters(ofSlot: 1)), store.values.copyToArray())
                        == nil)
            }
        }
        func mean(_ part: (([Double], [Double])) -> [Double]) -> [Double] {
            zip(part(seen[1]), part(seen[3])).map { 0.75 * $0 + 0.25 * $1 }
        }
        #expect(relativeError(average(layout.parameters(ofSlot: 1)), mean(\.0)) < 1e-6)
        #expect(relativeError(average(layout.statistics(ofSlot: 1)), mean(\.1)) < 1e-6)
    }

    /// Parameters of a ResNet-20, drawn from `stream`.
    private static func store(stream: Int) -> ParameterStore {
        let store = Classifier(.resnet20, head: .linear, classes: 10).parameters
        store.values = Buffer(testValues(count: store.parameterCount, stream: stream), default: 0)
        return store
    }
}
