import Kernels
import Memory
import Networks
import TestSupport
import Testing
import Workers

/// One network for images of several sizes.
@Suite(.slow, .timeLimit(.minutes(30)))
struct ImageSizeTests {
    private func images(_ count: Int, size: Int) -> Buffer<Float> {
        Buffer(testValues(count: count * size * size * 3, stream: 3, scale: 1.5), default: 0)
    }

    private func step(_ model: Classifier, size: Int) throws -> [Double] {
        model.use(imageSize: size)
        return try model.differentiate(
            images: images(4, size: size), labels: [1, 2, 3, 4],
            context(samples: 4, microbatchSize: 2, mode: .training)
        ).values
    }

    /// A step is that of a network made for its size, whatever sizes were used before.
    @Test(arguments: [NetworkName.resnet18At224, .wideResNet40x2])
    func stepsOfEachSizeHaveTheBitsOfANetworkOfThatSize(name: NetworkName) throws {
        let mixed = Classifier(name, head: .linear, classes: 10, seed: 1)
        for size in [32, 64, 32] {
            let alone = Classifier(name, head: .linear, classes: 10, imageSize: size)
            for entry in alone.parameters.entries {
                alone.parameters.setElements(of: entry, to: mixed.parameters.elements(of: entry))
            }
            let (found, expected) = (try step(mixed, size: size), try step(alone, size: size))
            #expect(found == expected)
            #expect(
                firstDifferentBits(
                    mixed.parameters.gradients.copyToArray(), alone.parameters.gradients.copyToArray()) == nil
            )
            #expect(
                firstDifferentBits(
                    mixed.parameters.statistics.copyToArray(), alone.parameters.statistics.copyToArray())
                    == nil)
            #expect(mixed.parameters.entries == alone.parameters.entries)
            #expect(mixed.imageCount == size * size * 3)
        }
    }

    @Test func networksFor224TakeMultiplesOf32() {
        #expect([32, 160, 192, 224, 256, 288].allSatisfy(NetworkName.resnet50.takes))
        #expect(![0, 16, 100, 225].contains(where: NetworkName.resnet50.takes))
        #expect(NetworkName.resnet20.takes(imageSize: 32) && !NetworkName.resnet20.takes(imageSize: 64))
    }
}
