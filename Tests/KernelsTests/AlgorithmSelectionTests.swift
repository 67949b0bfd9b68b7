import Foundation
import Kernels
import Testing

@Suite(.timeLimit(.minutes(30)))
struct AlgorithmSelectionTests {
    private let square = ConvolutionShape(
        height: 9, width: 7, channels: 16, outputChannels: 32, kernel: 3, padding: 1)
    private let pointwise = ConvolutionShape(height: 9, width: 7, channels: 16, outputChannels: 32, kernel: 1)

    @Test func theRuleTakesTheFirstAlgorithm() {
        #expect(AlgorithmSelection.shape.algorithm(for: square) == .winograd)
        #expect(AlgorithmSelection.shape.algorithm(for: pointwise) == .tiled)
    }

    /// Sides of outputs whose tiles take fewer products than nine for each output.
    @Test(arguments: [(1, [2, 3, 4, 5, 6, 7, 56], [1]), (2, [4, 7, 8, 10, 28], [1, 2, 3, 5, 6])])
    func winogradIsPreferredWhereItTakesFewerProducts(stride: Int, winograd: [Int], tiled: [Int]) {
        func preferred(_ side: Int) -> ConvolutionAlgorithm {
            let shape = ConvolutionShape(
                height: stride * side, width: stride * side, channels: 16, outputChannels: 16, kernel: 3,
                stride: stride, padding: 1)
            #expect(shape.outputHeight == side)
            #expect(Set(Convolution.algorithms(for: shape)) == [.winograd, .tiled, .library])
            return AlgorithmSelection.shape.algorithm(for: shape)
        }
        #expect(winograd.filter { preferred($0) == .winograd } == winograd)
        #expect(tiled.filter { preferred($0) == .tiled } == tiled)
    }

    @Test(arguments: [
        (ConvolutionAlgorithm.winograd, ConvolutionAlgorithm.winograd, ConvolutionAlgorithm.tiled),
        (.tiled, .tiled, .tiled), (.library, .library, .library),
    ])
    func aFixedAlgorithmIsTakenWhereItCanBe(
        algorithm: ConvolutionAlgorithm, square: ConvolutionAlgorithm, other: ConvolutionAlgorithm
    ) {
        let selection = AlgorithmSelection.fixed(algorithm: algorithm)
        #expect(selection.algorithm(for: self.square) == square)
        #expect(selection.algorithm(for: pointwise) == other)
        #expect(selection.canCompute([self.square, pointwise]))
    }

    /// In evaluation products are in single precision.
    @Test func mixedPrecisionTakesIntegersWhereTheyGain() {
        let strided = ConvolutionShape(
            height: 8, width: 8, channels: 16, outputChannels: 32, kernel: 3, stride: 2, padding: 1)
        let images = ConvolutionShape(
            height: 8, width: 8, channels: 3, outputChannels: 16, kernel: 7, stride: 2, padding: 3)
        let wide = ConvolutionShape(
            height: 8, width: 8, channels: 128, outputChannels: 128, kernel: 3, padding: 1)
        let mixed = AlgorithmSelection.mixed
        #expect(
            [wide, square, pointwise, strided, images].map(mixed.algorithm) == [
                .winogradInt14, .winograd, .tiledInt14, .tiledInt14, .tiled,
            ])
        #expect(mixed.ofEvaluation == .shape && mixed.name == "mixed")
        #expect(AlgorithmSelection.fixed(algorithm: .tiled).ofEvaluation == .fixed(algorithm: .tiled))
        #expect(Convolution.algorithms(for: pointwise) == [.tiled, .library])
    }

    @Test func onlyTheLibrarysConvolutionsDependOnItsLoops() {
        let mixed = AlgorithmSelection.autotuned(algorithms: [
            .init(shape: square, algorithm: .library), .init(shape: pointwise, algorithm: .tiled),
        ])
        let library = AlgorithmSelection.fixed(algorithm: .library)
        #expect(AlgorithmSelection.shape.libraryRemark(for: [square, pointwise]) == nil)
        #expect(mixed.libraryRemark(for: [pointwise]) == nil)
        for selection in [mixed, library] {
            #expect(selection.libraryRemark(for: [square, pointwise])?.contains(libraryCoreName()) == true)
        }
    }

    @Test func whatAutotuningChoseIsTaken() {
        let selection = AlgorithmSelection.autotuned(algorithms: [
            .init(shape: pointwise, algorithm: .library), .init(shape: square, algorithm: .tiled),
        ])
        #expect(selection.algorithm(for: square) == .tiled)
        #expect(selection.algorithm(for: pointwise) == .library)
        #expect(selection.canCompute([square, pointwise]))
    }

    @Test func aShapeWithoutAnAlgorithmOrWithOneThatCannotComputeItIsNoticed() {
        let known = AlgorithmSelection.autotuned(algorithms: [.init(shape: square, algorithm: .tiled)])
        #expect(!known.canCompute([square, pointwise]))
        let wrong = AlgorithmSelection.autotuned(algorithms: [.init(shape: pointwise, algorithm: .winograd)])
        #expect(!wrong.canCompute([pointwise]))
    }

    @Test(arguments: ["shape", "tiled", "autotune"])
    func comeBackFromJSON(name: String) throws {
        let all = [
            AlgorithmSelection.shape, .mixed, .fixed(algorithm: .tiled),
            .autotuned(algorithms: [
                .init(shape: square, algorithm: .library), .init(shape: pointwise, algorithm: .tiled),
            ]),
        ]
        let selection = try #require(all.first { $0.name == name })
        let json = try JSONEncoder().encode(selection)
        #expect(try JSONDecoder().decode(AlgorithmSelection.self, from: json) == selection)
    }
}
