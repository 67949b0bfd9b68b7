/// What becomes of a convolution's results before they are stored, while they are in registers.
public struct Epilogue: ~Escapable, Sendable {
    enum Kind: Sendable { case store, moments, gradient, joinedGradient }

    let kind: Kind
    let normalized: Span<Float>
    let coefficients: Span<Float>
    let groups: SampleGroups
    let addend: Span<Float>
    let rectified: Span<Float>

    /// Stores the results as they are.
    @_lifetime(immortal)
    public init() {
        kind = .store
        normalized = Span()
        coefficients = Span()
        groups = SampleGroups(size: 1, sampleCount: 1, firstSample: 0)
        addend = Span()
        rectified = Span()
    }

    /// Also sums the results and their squares, for the normalisation that follows.
    @_lifetime(immortal)
    public static func moments() -> Epilogue { Epilogue(.moments) }

    @_lifetime(immortal)
    private init(_ kind: Kind) {
        self.kind = kind
        normalized = Span()
        coefficients = Span()
        groups = SampleGroups(size: 1, sampleCount: 1, firstSample: 0)
        addend = Span()
        rectified = Span()
    }

    /// The results are a gradient: sets it to 0 where the rectifier cut, and sums it and its product with what was
    /// normalised.
    ///
    /// - Parameters:
    ///   - normalized: What was normalised and rectified; shape of the results.
    ///   - coefficients: Shape `[groups, 2, K]`: scale, then shift.
    @_lifetime(copy normalized, copy coefficients)
    public init(maskedBy normalized: Span<Float>, coefficients: Span<Float>, groups: SampleGroups) {
        kind = .gradient
        self.normalized = normalized
        self.coefficients = coefficients
        self.groups = groups
        addend = Span()
        rectified = Span()
    }

    /// The results are one of two parts of a gradient: adds the other, sets the sum to 0 where the rectifier cut, and sums it
    /// and its product with what was normalised.
    ///
    /// - Parameters:
    ///   - addend: The other part; shape of the results.
    ///   - rectified: What the rectifier gave; shape of the results.
    ///   - normalized: What was normalised; shape of the results.
    @_lifetime(copy addend, copy rectified, copy normalized)
    public init(adding addend: Span<Float>, maskedBy rectified: Span<Float>, normalized: Span<Float>) {
        kind = .joinedGradient
        self.normalized = normalized
        coefficients = Span()
        groups = SampleGroups(size: 1, sampleCount: 1, firstSample: 0)
        self.addend = addend
        self.rectified = rectified
    }
}

/// Takes one sample's results, sixteen channels at a time; what a kernel's last loop is specialised for.
protocol ResultSink {
    /// - Parameters:
    ///   - group: The sample's batch-norm group.
    ///   - channel: The first of the sixteen channels.
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int)

    /// Stores sixteen channels of one pixel at element `index`.
    ///
    /// - Returns: What to sum: the value, and what its product is summed with.
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector)

    /// Whether there are sums.
    static var hasSums: Bool { get }
}

/// `Epilogue()`.
struct StoringSink: ResultSink {
    static var hasSums: Bool { false }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {}

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        output.store(value, at: index)
        return (value, value)
    }
}

/// `Epilogue.moments()`.
struct MomentsSink: ResultSink {
    static var hasSums: Bool { true }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {}

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        output.store(value, at: index)
        return (value, value)
    }
}

/// `Epilogue(maskedBy:coefficients:groups:)`.
struct GradientSink: ResultSink {
    private let scale: Vector
    private let shift: Vector

    static var hasSums: Bool { true }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {
        let start = 2 * group * channels + channel
        scale = epilogue.coefficients.vector(at: start)
        shift = epilogue.coefficients.vector(at: start + channels)
    }

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        let normalized = epilogue.normalized.vector(at: index)
        let masked = value.replacing(with: 0, where: shift.addingProduct(normalized, scale) .<= Vector())
        output.store(masked, at: index)
        return (masked, normalized)
    }
}

/// `Epilogue(adding:maskedBy:normalized:)`.
struct JoinedGradientSink: ResultSink {
    static var hasSums: Bool { true }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {}

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        let joined = value + epilogue.addend.vector(at: index)
        let masked = joined.replacing(with: 0, where: epilogue.rectified.vector(at: index) .<= Vector())
        output.store(masked, at: index)
        return (masked, epilogue.normalized.vector(at: index))
    }
}

/// Adds `values` to sixteen doubles from `index` on.
@inline(__always)
func accumulate(_ values: SIMD16<Double>, into sums: inout MutableSpan<Double>, at index: Int) {
    assert(index >= 0 && index + vectorWidth <= sums.count, "sums at \(index) of \(sums.count)")
    unsafe sums.withUnsafeMutableBufferPointer {
        let place = unsafe UnsafeMutableRawPointer($0.baseAddress.unsafelyUnwrapped + index)
        let sum = unsafe place.loadUnaligned(as: SIMD16<Double>.self) + values
        unsafe place.storeBytes(of: sum, as: SIMD16<Double>.self)
    }
}
