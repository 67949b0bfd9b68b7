import Datasets
import Foundation
import Kernels
import Networks
import RunConfiguration
import Testing
import Training

@Suite(.timeLimit(.minutes(30)))
struct ConfigurationObjectsTests {
    @Test func imagesOfAnotherSizeThanTheNetworksAreRefused() throws {
        var configuration = RunConfiguration()
        configuration.network.name = "resnet50"
        configuration.data.transform.size = 100
        let error = try #require(throws: ConfigurationError.self) { try Classifier(configuration) }
        #expect(
            error.description
                == "data.transform.size is 100, expected a multiple of 32, as resnet50 halves its images five times"
        )
        configuration.data.transform.size = 160
        #expect(throws: Never.self) { try configuration.checkImageSize(of: .resnet50) }
        #expect(try Classifier(configuration).imageSize == 160)
        configuration.training.sizes = [.init(until: 100, size: 170)]
        #expect(throws: ConfigurationError.self) { try configuration.checkImageSize(of: .resnet50) }
        configuration = RunConfiguration()
        let plain = configuration.preprocessingHash
        configuration.evaluation.mirror = true
        #expect(configuration.preprocessingHash != plain, "tables of other predictions are kept apart")
        configuration.evaluation.mirror = false
        configuration.evaluation.precision = .mixed
        #expect(configuration.preprocessingHash != plain, "those of another precision, too")
        #expect(try Classifier(configuration).evaluationConvolutions == .mixed)
        configuration.data.transform.size = 64
        #expect(throws: ConfigurationError.self) { try configuration.checkImageSize(of: .resnet20) }
    }

    @Test func coloursAndAreasReachTheTransform() throws {
        var configuration = RunConfiguration()
        #expect(configuration.trainingTransform.colors == nil)
        configuration.data.transform.color.probability = 0
        configuration.data.transform.color.contrast = 0.5
        #expect(configuration.trainingTransform.colors == nil)
        configuration.data.transform.color.gray = 0.25
        #expect(
            configuration.trainingTransform.colors
                == ColorJitter(contrast: 0.5, probability: 0, grayProbability: 0.25))
        configuration.data.transform.crop = .resized
        configuration.data.transform.smallestArea = 0.4
        let resized = try #require(configuration.trainingTransform as? RandomResizedCropTransform)
        #expect(resized.smallestArea == 0.4 && resized.colors != nil)
        #expect(configuration.evaluationTransform.colors == nil)
    }

    /// Regmi et al.'s settings for CIFAR-10, as in OpenOOD.
    @Test func theFileOfReweightOODHasThePublishedRecipe() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../configs/cifar10/resnet18-reweightood.yml").path
        let names = KnownNames(
            networks: RunConfiguration.knownNetworks, scores: ["mds"], featureScores: ["mds"])
        let read = try RunConfiguration.load(files: [file], names: names)
        #expect(read.trainingLoss == .reweightOOD && read.headKind == .projection(outputs: 128))
        #expect(
            read.trainingTransform.colors
                == ColorJitter(
                    brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, probability: 0.8,
                    grayProbability: 0.2))
        #expect((read.trainingTransform as? RandomResizedCropTransform)?.smallestArea == 0.2)
        #expect(read.training.batch == 512 && read.training.epochs == 100)
        let optimizer = read.optimizer
        #expect(optimizer.scheduleInterval == .epoch && optimizer.warmUpEpochs == 10)
        #expect(optimizer.learningRate == 0.1 && optimizer.minimumLearningRate == 1e-4)
        #expect(optimizer.warmUpLearningRate == 0.001 && optimizer.weightDecay == 1e-4)
    }
}
