internal import Numerics

/// The distribution of a tensor's initial values.
enum Initializer: Sendable {
    case constant(Float)
    /// Uniform in `[-bound, bound)`.
    case uniform(bound: Double)
    /// Normal with mean 0.
    case normal(deviation: Double)

    /// PyTorch's default for a convolution or linear weight: Kaiming-uniform with slope √5, which
    /// is ±1/√fan-in.
    static func torchDefault(fanIn: Int) -> Initializer { .uniform(bound: 1 / Double(fanIn).squareRoot()) }

    /// Kaiming-normal for layers with ReLU (He, Zhang, Ren, Sun: "Delving deep into rectifiers",
    /// arXiv 1502.01852).
    static func kaimingNormal(fan: Int) -> Initializer {
        .normal(deviation: (2 / Double(fan)).squareRoot())
    }

    /// Draws `count` elements, one after the other.
    func draw(_ count: Int, from stream: inout RandomStream) -> [Float] {
        switch self {
        case .constant(let value):
            return [Float](repeating: value, count: count)
        case .uniform(let bound):
            return (0..<count).map { _ in Float(bound * (2 * stream.uniformDouble() - 1)) }
        case .normal(let deviation):
            return (0..<count).map { _ in Float(deviation * stream.standardNormal()) }
        }
    }
}
