import Networks
import RunConfiguration
import Testing
import Training

struct ConfigurationObjectsTests {
    @Test func imagesOfAnotherSizeThanTheNetworksAreRefused() throws {
        var configuration = RunConfiguration()
        configuration.network.name = "resnet50"
        configuration.data.transform.size = 32
        let error = try #require(throws: ConfigurationError.self) { try Classifier(configuration) }
        #expect(
            error.description
                == "data.transform.size is 32, expected 224, the size of the images of resnet50")
        configuration.data.transform.size = 224
        #expect(throws: Never.self) { try configuration.checkImageSize(of: .resnet50) }
    }
}
