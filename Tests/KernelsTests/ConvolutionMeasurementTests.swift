import Kernels
import Testing

/// Odd sizes, strides and paddings, with and without a Winograd algorithm.
private let shapes = [
    ConvolutionShape(height: 9, width: 7, channels: 16, outputChannels: 32, kernel: 3, padding: 1),
    ConvolutionShape(height: 5, width: 12, channels: 32, outputChannels: 16, kernel: 3, padding: 2),
    ConvolutionShape(
        height: 17, width: 11, channels: 3, outputChannels: 48, kernel: 7, stride: 2, padding: 3),
    ConvolutionShape(height: 8, width: 9, channels: 17, outputChannels: 16, kernel: 1, stride: 2),
    ConvolutionShape(height: 1, width: 1, channels: 64, outputChannels: 64, kernel: 1),
]

@Suite(.timeLimit(.minutes(30)))
struct ConvolutionMeasurementTests {
    private typealias Candidate = ConvolutionMeasurement.Candidate

    /// The first algorithm stays unless another one saves a twentieth of its time.
    @Test(arguments: [
        ([1.0, 3, 3], ConvolutionAlgorithm.winograd), ([1, 0.951, 2], .winograd), ([1, 0.949, 2], .tiled),
        ([1, 0.9, 0.8], .library), ([2, 1, 1.01], .tiled),
    ])
    func anotherAlgorithmMustBeFasterByMoreThanTwoMeasurementsDiffer(
        seconds: [Double], expected: ConvolutionAlgorithm
    ) {
        let candidates = zip([ConvolutionAlgorithm.winograd, .tiled, .library], seconds).map {
            Candidate(algorithm: $0, secondsPerImage: $1)
        }
        #expect(ConvolutionMeasurement.choice(among: candidates) == expected)
    }

    @Test func everyAlgorithmOfEveryShapeIsMeasured() {
        let measurements = measureConvolutions(shapes, limit: .zero)
        #expect(measurements.map(\.shape) == shapes)
        for measurement in measurements {
            #expect(
                measurement.candidates.map(\.algorithm) == Convolution.algorithms(for: measurement.shape),
                "\(measurement.shape)")
            #expect(
                measurement.candidates.allSatisfy { $0.secondsPerImage > 0 && $0.secondsPerImage.isFinite })
            #expect(
                measurement.algorithm == ConvolutionMeasurement.choice(among: measurement.candidates),
                "\(measurement.shape)")
        }
    }

    /// A wrong element of the reference would give an error near 1.
    @Test func theErrorIsThatOfSinglePrecision() {
        for measurement in measureConvolutions(shapes, limit: .zero) {
            #expect(measurement.relativeError > 1e-8, "\(measurement.shape)")
            #expect(measurement.relativeError < 4e-6, "\(measurement.shape)")
        }
    }
}
