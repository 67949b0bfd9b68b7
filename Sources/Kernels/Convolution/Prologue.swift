/// How a kernel reads a tensor: unchanged, or transformed while it is read, which saves a pass over
/// memory.
///
/// Every value is `max(a · first + b · second + c, floor)` with the coefficients of its channel and
/// batch-norm group. Padding outside an image is 0 whatever the coefficients.
package struct Prologue: ~Escapable, Sendable {
    enum Reading: Sendable { case plain, normalized, combined }

    let first: MapSpan
    let second: MapSpan
    let coefficients: Span<Float>
    let groups: SampleGroups
    let reading: Reading
    let floor: Float

    /// Reads `values`, shape `[N, H, W, C]`, unchanged.
    @_lifetime(copy values)
    package init(_ values: MapSpan) {
        first = values
        second = values
        coefficients = Span()
        groups = SampleGroups.one
        reading = .plain
        floor = -.infinity
    }

    /// Reads a normalised tensor: `scale · values + shift`, followed by ReLU if `appliesReLU`.
    ///
    /// - Parameters:
    ///   - values: Shape `[N, H, W, C]`.
    ///   - coefficients: Shape `[groups, 2, C]`: scale, then shift; empty to read `values`
    ///     unchanged.
    @_lifetime(copy values, copy coefficients)
    package init(
        normalized values: MapSpan, coefficients: Span<Float>, groups: SampleGroups, appliesReLU: Bool
    ) {
        first = values
        second = values
        self.coefficients = coefficients
        self.groups = groups
        reading = coefficients.isEmpty ? .plain : .normalized
        floor = appliesReLU ? 0 : -.infinity
    }

    /// Reads `values`, shape `[N, H, W, C]`, unchanged.
    @_lifetime(copy values)
    package init(_ values: Span<Float>) { self.init(MapSpan(values)) }

    /// Reads the gradient of a normalisation's input: `a · gradient + b · input + c`.
    ///
    /// - Parameters:
    ///   - gradient: Gradient of the normalisation's output; shape `[N, H, W, C]`.
    ///   - input: Input of the normalisation; shape of `gradient`.
    ///   - coefficients: Shape `[groups, 3, C]`: `a`, `b`, `c`.
    @_lifetime(copy gradient, copy input, copy coefficients)
    package init(
        gradient: MapSpan, ofNormalized input: MapSpan, coefficients: Span<Float>,
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

/// Reads sixteen channels of one sample's pixels. A kernel's inner loop is specialised for the type
/// of reader.
protocol ChannelReader {
    /// - Parameters:
    ///   - group: The sample's batch-norm group.
    ///   - channel: The first of the sixteen channels.
    init(_ prologue: borrowing Prologue, group: Int, channel: Int, channels: Int)

    /// The values of the sixteen channels at element `index`.
    func vector(_ prologue: borrowing Prologue, at index: Int) -> Vector

    /// Prefetches what `vector` reads at `index`, which may be out of bounds.
    func prefetch(_ prologue: borrowing Prologue, at index: Int)
}

extension ChannelReader {
    @inline(__always)
    func prefetch(_ prologue: borrowing Prologue, at index: Int) { prologue.first.prefetch(at: index) }
}

/// `first`, unchanged.
struct PlainReader: ChannelReader {
    @inline(__always)
    init(_ prologue: borrowing Prologue, group: Int, channel: Int, channels: Int) {}

    @inline(__always)
    func vector(_ prologue: borrowing Prologue, at index: Int) -> Vector { prologue.first.vector(at: index) }
}

/// `max(scale · first + shift, floor)`.
struct NormalizedReader: ChannelReader {
    private let scale: Vector
    private let shift: Vector
    private let floor: Vector

    @inline(__always)
    init(_ prologue: borrowing Prologue, group: Int, channel: Int, channels: Int) {
        let start = 2 * group * channels + channel
        scale = prologue.coefficients.vector(at: start)
        shift = prologue.coefficients.vector(at: start + channels)
        floor = Vector(repeating: prologue.floor)
    }

    @inline(__always)
    func vector(_ prologue: borrowing Prologue, at index: Int) -> Vector {
        shift.addingProduct(prologue.first.vector(at: index), scale).atLeast(floor)
    }
}

/// `a · first + b · second + c`.
struct CombinedReader: ChannelReader {
    private let a: Vector
    private let b: Vector
    private let c: Vector

    @inline(__always)
    init(_ prologue: borrowing Prologue, group: Int, channel: Int, channels: Int) {
        let start = 3 * group * channels + channel
        a = prologue.coefficients.vector(at: start)
        b = prologue.coefficients.vector(at: start + channels)
        c = prologue.coefficients.vector(at: start + 2 * channels)
    }

    @inline(__always)
    func vector(_ prologue: borrowing Prologue, at index: Int) -> Vector {
        c.addingProduct(b, prologue.second.vector(at: index)).addingProduct(
            a, prologue.first.vector(at: index))
    }

    @inline(__always)
    func prefetch(_ prologue: borrowing Prologue, at index: Int) {
        prologue.first.prefetch(at: index)
        prologue.second.prefetch(at: index)
    }
}

extension Prologue {
    /// The value of one element, for channel counts that are no multiple of 16.
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
