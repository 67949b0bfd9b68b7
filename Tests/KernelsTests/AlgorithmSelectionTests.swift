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
            AlgorithmSelection.shape, .fixed(algorithm: .tiled),
            .autotuned(algorithms: [
                .init(shape: square, algorithm: .library), .init(shape: pointwise, algorithm: .tiled),
            ]),
        ]
        let selection = try #require(all.first { $0.name == name })
        let json = try JSONEncoder().encode(selection)
        #expect(try JSONDecoder().decode(AlgorithmSelection.self, from: json) == selection)
    }
}
