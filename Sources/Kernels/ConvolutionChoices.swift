/// Which path each convolution of a network takes.
///
/// Paths differ in rounding, so this is part of the mathematics: a run keeps its choices from beginning to end.
public enum ConvolutionChoices: Codable, Equatable, Sendable {
    /// The first of `Convolution.paths(for:)`: the same for a shape wherever it is computed.
    case shape
    /// One path wherever it can compute the shape, elsewhere as `shape`.
    case fixed(path: ConvolutionPath)
    /// What was measured once, one entry a shape.
    case measured(paths: [Entry])

    /// The path of one shape.
    public struct Entry: Codable, Equatable, Sendable {
        public let shape: ConvolutionShape
        public let path: ConvolutionPath

        public init(shape: ConvolutionShape, path: ConvolutionPath) {
            self.shape = shape
            self.path = path
        }
    }

    /// `shape`, `measured` or the fixed path's name.
    public var name: String {
        switch self {
        case .shape: "shape"
        case .fixed(let path): path.rawValue
        case .measured: "measured"
        }
    }

    /// The path that `shape` takes.
    ///
    /// - Precondition: `canCompute([shape])`.
    public func path(for shape: ConvolutionShape) -> ConvolutionPath {
        let known = Convolution.paths(for: shape)
        switch self {
        case .shape: return known[0]
        case .fixed(let path): return known.contains(path) ? path : known[0]
        case .measured(let paths):
            guard let entry = paths.first(where: { $0.shape == shape }) else {
                preconditionFailure("no path was measured for \(shape)")
            }
            return entry.path
        }
    }

    /// That bits depend on the BLAS library, and on which loops of it; `nil` where they do not.
    ///
    /// - Precondition: `canCompute(shapes)`.
    public func libraryRemark(for shapes: [ConvolutionShape]) -> String? {
        guard shapes.contains(where: { path(for: $0) == .library }) else { return nil }
        return
            "convolutions by the BLAS library, core \(libraryCoreName()): another core or version of it rounds otherwise"
    }

    /// Whether there is a path for each of `shapes`, and one that can compute it.
    public func canCompute(_ shapes: [ConvolutionShape]) -> Bool {
        guard case .measured(let paths) = self else { return true }
        return shapes.allSatisfy { shape in
            guard let entry = paths.first(where: { $0.shape == shape }) else { return false }
            return Convolution.paths(for: shape).contains(entry.path)
        }
    }
}
