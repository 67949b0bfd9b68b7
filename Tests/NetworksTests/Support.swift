import Kernels
import Networks
import TestSupport
import Testing
import Workers

/// A network's name together with that of its fixtures.
struct FixtureNetwork: CustomTestStringConvertible, Sendable {
    let name: NetworkName
    let fixture: String

    static let all = [
        FixtureNetwork(name: .resnet18At32, fixture: "resnet18"),
        FixtureNetwork(name: .resnet20, fixture: "resnet20"),
        FixtureNetwork(name: .resnet18At224, fixture: "resnet18_224x224"),
        FixtureNetwork(name: .resnet50, fixture: "resnet50"),
        FixtureNetwork(name: .resnet18BlurPool, fixture: "resnet18_blurpool"),
        FixtureNetwork(name: .wideResNet28x10, fixture: "wideresnet28_10"),
        FixtureNetwork(name: .wideResNet40x2, fixture: "wideresnet40_2"),
        FixtureNetwork(name: .wideResNet40x2, fixture: "wideresnet40_2_dropout"),
    ]

    var testDescription: String { fixture }
}

/// A network with the parameters of a fixture.
func classifier(_ name: NetworkName, head: HeadKind, fixture: PyTorchFixture) -> Classifier {
    let classifier = Classifier(
        name, head: head, classes: 10, imageSize: fixture.imageSize, dropoutRate: fixture.dropoutRate ?? 0)
    let store = classifier.parameters
    for (index, entry) in store.entries.enumerated() where entry.role != .batchCount {
        store.setElements(of: entry, to: fixture.values(ofEntry: index))
    }
    return classifier
}

/// The head of a fixture's row.
func headKind(_ name: String, temperature: Float) -> HeadKind {
    name == "linear" ? .linear : .t2fnorm(temperature: temperature)
}

/// A pass over a whole batch in one rank, in the step whose random numbers the fixtures have.
func context(samples: Int, microbatchSize: Int, group: Int = 0, mode: StepContext.Mode, threads: Int = 2)
    -> StepContext
{
    StepContext(
        BatchPlacement(sampleCount: samples, microbatchSize: microbatchSize, group: group), mode: mode,
        pool: WorkerPool(threads: threads), numbers: StepContext.Numbers(seed: 7, step: 3))
}
