import Exchange
import Foundation
import Networks
import TestSupport
import Testing

@Suite(
    .enabled(if: TorchPython.hasTorchvision, "needs torchvision in the venv that T2FNORM_TORCH_VENV names"),
    .serialized, .timeLimit(.minutes(30)))
struct TorchvisionTests {
    @Test(arguments: [
        (NetworkName.resnet18At224, "resnet18"), (.resnet34, "resnet34"), (.resnet50, "resnet50"),
        (.resnet101, "resnet101"),
    ])
    func weightsComeAndGoWithTheSameNamesOrderAndBits(network: NetworkName, name: String) async throws {
        try await withTemporaryFolder { folder in
            try await TorchPython.run("check_torchvision.py", ["make", name, "\(folder)/a.pth"])
            let classifier = try ModelFile(path: "\(folder)/a.pth").makeClassifier(network)
            #expect(classifier.classes == 1000 && classifier.headKind == .linear)
            try classifier.export(as: .pytorch, to: "\(folder)/b.pth")
            try await TorchPython.run(
                "check_torchvision.py", ["compare", "\(folder)/a.pth", "\(folder)/b.pth"])
        }
    }
}
