/// A tensor as a kernel reads it: as it lies, or changed on the way, which saves a pass over memory.
///
/// Every value is `max(a · first + b · second + c, floor)` with coefficients of its channel and batch-norm group. What
/// lies outside an image is 0 whatever the coefficients.
public struct Operand: ~Escapable, Sendable {
    enum Reading: Sendable { case plain, normalized, combined }

    let first: Span<Float>
    let second: Span<Float>
    let coefficients: Span<Float>
    let groups: SampleGroups
    let reading: Reading
    let floor: Float

    /// `values`, shape `[N, H, W, C]`, as they lie.
    @_lifetime(copy values)
    public init(_ values: Span<Float>) {
        first = values
        second = values
        coefficients = values.extracting(0..<0)
        groups = SampleGroups.one
        reading = .plain
        floor = -.infinity
    }

    /// A normalised tensor: `scale · values + shift`, rectified if asked.
    ///
    /// - Parameters:
    ///   - values: Shape `[N, H, W, C]`.
    ///   - coefficients: Shape `[groups, 2, C]`: scale, then shift; empty for values that are read as they lie.
    @_lifetime(copy values, copy coefficients)
    public init(
        normalized values: Span<Float>, coefficients: Span<Float>, groups: SampleGroups, rectifies: Bool
    ) {
        first = values
        second = values
        self.coefficients = coefficients
        self.groups = groups
        reading = coefficients.isEmpty ? .plain : .normalized
        floor = rectifies ? 0 : -.infinity
    }

    /// The gradient of a normalisation's input: `a · gradient + b · input + c`.
    ///
    /// - Parameters:
    ///   - gradient: Gradient of the normalisation's output; shape `[N, H, W, C]`.
    ///   - input: What was normalised; shape of `gradient`.
    ///   - coefficients: Shape `[groups, 3, C]`: `a`, `b`, `c`.
    @_lifetime(copy gradient, copy input, copy coefficients)
    public init(
        gradient: Span<Float>, ofNormalized input: Span<Float>, coefficients: Span<Float>,
        groups: SampleGroups
    ) {
        first = gradient
        second = input
        self.coefficients = coefficients
        self.groups = groups
        reading = .combined
        floor = -.infinity
    }
}

/// Reads sixteen channels of one sample's pixels; what a kernel's inner loop is specialised for.
protocol ChannelReader {
    /// - Parameters:
    ///   - coefficients: The operand's.
    ///   - first: Where the coefficients of the sample's group begin.
    ///   - channel: The first of the sixteen channels; those from `channels` on read as 0.
    init(_ operand: borrowing Operand, group: Int, channel: Int, channels: Int)

    /// The values of the sixteen channels at element `index`.
    func vector(_ operand: borrowing Operand, at index: Int) -> Vector

    /// Asks for what `vector` at `index` will read; `index` may be out of bounds.
    func prefetch(_ operand: borrowing Operand, at index: Int)
}

extension ChannelReader {
    @inline(__always)
    func prefetch(_ operand: borrowing Operand, at index: Int) { operand.first.prefetch(at: index) }
}

/// `first`, as it lies.
struct PlainReader: ChannelReader {
    @inline(__always)
    init(_ operand: borrowing Operand, group: Int, channel: Int, channels: Int) {}

    @inline(__always)
    func vector(_ operand: borrowing Operand, at index: Int) -> Vector { operand.first.vector(at: index) }
}

/// `max(scale · first + shift, floor)`.
struct NormalizedReader: ChannelReader {
    private let scale: Vector
    private let shift: Vector
    private let floor: Vector

    @inline(__always)
    init(_ operand: borrowing Operand, group: Int, channel: Int, channels: Int) {
        let start = 2 * group * channels + channel
        scale = operand.coefficients.vector(at: start)
        shift = operand.coefficients.vector(at: start + channels)
        floor = Vector(repeating: operand.floor)
    }

    @inline(__always)
    func vector(_ operand: borrowing Operand, at index: Int) -> Vector {
        shift.addingProduct(operand.first.vector(at: index), scale).atLeast(floor)
    }
}

/// `a · first + b · second + c`.
struct CombinedReader: ChannelReader {
    private let a: Vector
    private let b: Vector
    private let c: Vector

    @inline(__always)
    init(_ operand: borrowing Operand, group: Int, channel: Int, channels: Int) {
        let start = 3 * group * channels + channel
        a = operand.coefficients.vector(at: start)
        b = operand.coefficients.vector(at: start + channels)
        c = operand.coefficients.vector(at: start + 2 * channels)
    }

    @inline(__always)
    func vector(_ operand: borrowing Operand, at index: Int) -> Vector {
        c.addingProduct(b, operand.second.vector(at: index)).addingProduct(
            a, operand.first.vector(at: index))
    }

    @inline(__always)
    func prefetch(_ operand: borrowing Operand, at index: Int) {
        operand.first.prefetch(at: index)
        operand.second.prefetch(at: index)
    }
}

extension Operand {
    /// The value of one element, for shapes that vectors do not fit.
    func element(at index: Int, sample: Int, channel: Int, channels: Int) -> Float {
        let group = groups.group(of: sample)
        switch reading {
        case .plain:
            return first.element(at: index)
        case .normalized:
            let start = 2 * group * channels + channel
            let value = coefficients.element(at: start + channels).addingProduct(
                first.element(at: index), coefficients.element(at: start))
            return value < floor ? floor : value
        case .combined:
            let start = 3 * group * channels + channel
            return coefficients.element(at: start + 2 * channels)
                .addingProduct(coefficients.element(at: start + channels), second.element(at: index))
                .addingProduct(coefficients.element(at: start), first.element(at: index))
        }
    }
}
