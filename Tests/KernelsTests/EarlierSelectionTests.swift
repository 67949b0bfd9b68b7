import Foundation
import Kernels
import Testing

/// Decodes the convolution algorithms in checkpoints and logs of earlier versions.
@Suite(.timeLimit(.minutes(30)))
struct EarlierSelectionTests {
    private let square = ConvolutionShape(
        height: 9, width: 7, channels: 16, outputChannels: 32, kernel: 3, padding: 1)

    /// JSON of `value` with the keys of an earlier version.
    private func earlier(_ value: some Encodable) throws -> Data {
        let text = String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
        return Data(
            text.replacing("\"autotuned\"", with: "\"measured\"")
                .replacing("\"algorithms\"", with: "\"paths\"")
                .replacing("\"algorithm\"", with: "\"path\"").utf8)
    }

    @Test func aSelectionIsRead() throws {
        for selection in [
            AlgorithmSelection.shape, .fixed(algorithm: .tiled),
            .autotuned(algorithms: [.init(shape: square, algorithm: .library)]),
        ] {
            let read = try JSONDecoder().decode(AlgorithmSelection.self, from: try earlier(selection))
            #expect(read == selection)
        }
    }

    @Test func aFixedAlgorithmIsReadAsItWasWritten() throws {
        let json = Data(#"{"fixed":{"path":"winograd"}}"#.utf8)
        #expect(
            try JSONDecoder().decode(AlgorithmSelection.self, from: json) == .fixed(algorithm: .winograd))
    }

    @Test func aMeasurementIsRead() throws {
        let measurement = ConvolutionMeasurement(
            shape: square, candidates: [.init(algorithm: .tiled, secondsPerImage: 0.25)], algorithm: .tiled,
            relativeError: 1e-7)
        let json = try earlier(measurement)
        #expect(String(decoding: json, as: UTF8.self).contains(#""path":"tiled""#))
        #expect(try JSONDecoder().decode(ConvolutionMeasurement.self, from: json) == measurement)
    }

    @Test(arguments: [#"{}"#, #"{"fixed":{"path":"fourier"}}"#, #"{"shape":{},"fixed":{"path":"tiled"}}"#])
    func whatIsNoSelectionIsRefused(json: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(AlgorithmSelection.self, from: Data(json.utf8))
        }
    }
}
