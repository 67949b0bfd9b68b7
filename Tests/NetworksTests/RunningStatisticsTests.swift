import Kernels
import Memory
import Networks
import TestSupport
import Testing

/// The statistics with which evaluation normalises.
@Suite(.timeLimit(.minutes(30)))
struct RunningStatisticsTests {
    private func statistics(_ images: [Float], samples: Int, group: Int) throws -> [Double] {
        let classifier = Classifier(.resnet20, head: .linear, classes: 10)
        classifier.parameters.initialize(seed: 1)
        _ = try classifier.differentiate(
            images: Buffer(images, default: 0), labels: [Int32](repeating: 3, count: samples),
            context(samples: samples, microbatchSize: 2, group: group, mode: .training))
        let store = classifier.parameters
        return store.entries.filter { $0.name.hasSuffix("running_mean") || $0.name.hasSuffix("running_var") }
            .flatMap { store.elements(of: $0).map(Double.init) }
    }

    /// Two groups of the same images have the means and variances of one: the running statistics
    /// are updated with the mean over groups, not the sum.
    @Test func theyFollowTheMeanOfTheGroups() throws {
        let images = testValues(count: 4 * 32 * 32 * 3, stream: 90_000)
        let one = try statistics(images, samples: 4, group: 0)
        let two = try statistics(images + images, samples: 8, group: 4)
        #expect(one.count == two.count && one.contains { abs($0) > 0.01 && abs($0 - 1) > 0.01 })
        for (first, second) in zip(one, two) {
            #expect(abs(first - second) <= 1e-5 * max(1, abs(first)))
        }
    }
}
