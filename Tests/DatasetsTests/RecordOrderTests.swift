import Datasets
import Testing

@Suite(.timeLimit(.minutes(30))) struct RecordOrderTests {
    @Test(arguments: [true, false]) func stepsAreThoseOfTheSampler(isShuffled: Bool) {
        let sampler = Sampler(seed: 4, count: 7, isShuffled: isShuffled)
        var steps: [RecordOrder.Step] = []
        RecordOrder(sampler, batch: 3, epochs: 2).forEachStep { steps.append($0) }
        #expect(steps.map(\.step) == [1, 2, 3, 4, 5, 6] && steps.map(\.epoch) == [1, 1, 1, 2, 2, 2])
        #expect(steps.map(\.records.count) == [3, 3, 1, 3, 3, 1])
        for epoch in 0..<2 {
            let order = sampler.order(epoch: epoch)
            let records = steps[3 * epoch..<3 * epoch + 3].flatMap(\.records)
            #expect(records == (0..<7).map { order.record(at: $0) })
            #expect((records == Array(0..<7)) == !isShuffled)
        }
        #expect(isShuffled || steps[5].line == "{\"epoch\":2,\"records\":[6],\"step\":6}\n")
    }
}
