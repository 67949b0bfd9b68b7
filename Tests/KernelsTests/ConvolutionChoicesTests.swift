import Foundation
import Kernels
import Testing

@Suite(.timeLimit(.minutes(30)))
struct ConvolutionChoicesTests {
    private let square = ConvolutionShape(
        height: 9, width: 7, channels: 16, outputChannels: 32, kernel: 3, padding: 1)
    private let pointwise = ConvolutionShape(height: 9, width: 7, channels: 16, outputChannels: 32, kernel: 1)

    @Test func theRuleTakesTheFirstPath() {
        #expect(ConvolutionChoices.shape.path(for: square) == .winograd)
        #expect(ConvolutionChoices.shape.path(for: pointwise) == .tiled)
    }

    @Test(arguments: [
        (ConvolutionPath.winograd, ConvolutionPath.winograd, ConvolutionPath.tiled),
        (.tiled, .tiled, .tiled), (.library, .library, .library),
    ])
    func aFixedPathIsTakenWhereItCanBe(path: ConvolutionPath, square: ConvolutionPath, other: ConvolutionPath)
    {
        let choices = ConvolutionChoices.fixed(path: path)
        #expect(choices.path(for: self.square) == square)
        #expect(choices.path(for: pointwise) == other)
        #expect(choices.canCompute([self.square, pointwise]))
    }

    @Test func onlyTheLibrarysConvolutionsDependOnItsLoops() {
        let mixed = ConvolutionChoices.measured(paths: [
            .init(shape: square, path: .library), .init(shape: pointwise, path: .tiled),
        ])
        let library = ConvolutionChoices.fixed(path: .library)
        #expect(ConvolutionChoices.shape.libraryRemark(for: [square, pointwise]) == nil)
        #expect(mixed.libraryRemark(for: [pointwise]) == nil)
        for choices in [mixed, library] {
            #expect(choices.libraryRemark(for: [square, pointwise])?.contains(libraryCoreName()) == true)
        }
    }

    @Test func whatWasMeasuredIsTaken() {
        let choices = ConvolutionChoices.measured(paths: [
            .init(shape: pointwise, path: .library), .init(shape: square, path: .tiled),
        ])
        #expect(choices.path(for: square) == .tiled)
        #expect(choices.path(for: pointwise) == .library)
        #expect(choices.canCompute([square, pointwise]))
    }

    @Test func aShapeWithoutAPathOrWithOneThatCannotComputeItIsNoticed() {
        let known = ConvolutionChoices.measured(paths: [.init(shape: square, path: .tiled)])
        #expect(!known.canCompute([square, pointwise]))
        let wrong = ConvolutionChoices.measured(paths: [.init(shape: pointwise, path: .winograd)])
        #expect(!wrong.canCompute([pointwise]))
    }

    @Test(arguments: ["shape", "tiled", "measured"])
    func comeBackFromJSON(name: String) throws {
        let all = [
            ConvolutionChoices.shape, .fixed(path: .tiled),
            .measured(paths: [.init(shape: square, path: .library), .init(shape: pointwise, path: .tiled)]),
        ]
        let choices = try #require(all.first { $0.name == name })
        let json = try JSONEncoder().encode(choices)
        #expect(try JSONDecoder().decode(ConvolutionChoices.self, from: json) == choices)
    }
}
