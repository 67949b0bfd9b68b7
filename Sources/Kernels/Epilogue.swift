internal import Workers

/// What becomes of a convolution's results before they are stored, while they are in registers.
///
/// `addend`, where there is one, is added to the results first; a tensor of the results' shape.
public struct Epilogue: ~Escapable, Sendable {
    enum Kind: Sendable {
        case store, moments, normalize, maskByNormalized, maskByRectified
    }

    let kind: Kind
    let floor: Float
    let groups: SampleGroups
    let addend: Span<Float>
    /// What is or was normalised, or empty.
    let normalized: Span<Float>
    let coefficients: Span<Float>
    let rectified: Span<Float>
    /// Whether results go past the caches.
    private(set) var passesCaches = false

    /// Whether the results are summed.
    public var hasSums: Bool { kind != .store && kind != .normalize }

    /// Stores the results.
    @_lifetime(copy addend)
    public init(adding addend: Span<Float> = Span()) {
        kind = .store
        floor = -.infinity
        groups = SampleGroups.one
        self.addend = addend
        normalized = Span()
        coefficients = Span()
        rectified = Span()
    }

    @_lifetime(immortal)
    private init(moments: Void) {
        kind = .moments
        floor = -.infinity
        groups = SampleGroups.one
        addend = Span()
        normalized = Span()
        coefficients = Span()
        rectified = Span()
    }

    /// Stores the results; sums them and their squares, for the normalisation that follows.
    @_lifetime(immortal)
    public static func moments() -> Epilogue { Epilogue(moments: ()) }

    /// Stores `scale · result + shift + addend`, rectified if asked: a normalisation whose statistics are known.
    ///
    /// - Parameter coefficients: Shape `[2, K]`: scale, then shift.
    @_lifetime(copy coefficients, copy addend)
    public init(normalizing coefficients: Span<Float>, rectifies: Bool, adding addend: Span<Float>) {
        kind = .normalize
        floor = rectifies ? 0 : -.infinity
        groups = SampleGroups.one
        self.addend = addend
        normalized = Span()
        self.coefficients = coefficients
        rectified = Span()
    }

    /// The results are the gradient of a rectified normalisation: sets them to 0 where the rectifier cut; sums them and their
    /// products with what was normalised.
    ///
    /// - Parameters:
    ///   - normalized: What was normalised; shape of the results.
    ///   - coefficients: Shape `[groups, 2, K]`: scale, then shift.
    @_lifetime(copy normalized, copy coefficients, copy addend)
    public init(
        maskingBy normalized: Span<Float>, coefficients: Span<Float>, groups: SampleGroups,
        adding addend: Span<Float> = Span()
    ) {
        kind = .maskByNormalized
        floor = -.infinity
        self.groups = groups
        self.addend = addend
        self.normalized = normalized
        self.coefficients = coefficients
        rectified = Span()
    }

    /// The results are the gradient of a rectified sum of a normalisation and something else: as above, where the rectifier's
    /// own results say where it cut.
    ///
    /// - Parameters:
    ///   - rectified: What the rectifier gave; shape of the results.
    ///   - normalized: What was normalised; shape of the results.
    @_lifetime(copy rectified, copy normalized, copy addend)
    public init(
        maskingByRectified rectified: Span<Float>, normalized: Span<Float>,
        adding addend: Span<Float> = Span()
    ) {
        kind = .maskByRectified
        floor = -.infinity
        groups = SampleGroups.one
        self.addend = addend
        self.normalized = normalized
        coefficients = Span()
        self.rectified = rectified
    }
}

extension Epilogue {
    /// The same for results of the size and at the place of `output`.
    @_lifetime(copy self)
    func fitted(to output: inout MutableSpan<Float>) -> Epilogue {
        var fitted = copy self
        fitted.passesCaches = output.isWrittenPastCaches
        return fitted
    }

    /// Sets the sums of a range of channels to 0, if there are any.
    ///
    /// - Parameter sums: Shape `[N, 2, channels]`.
    func clear(_ sums: inout MutableSpan<Double>, samples: Range<Int>, range: Range<Int>, channels: Int) {
        guard hasSums else { return }
        for row in 2 * samples.lowerBound..<2 * samples.upperBound {
            var own = sums.part(row * channels + range.lowerBound..<row * channels + range.upperBound)
            own.update(repeating: 0)
        }
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

/// Whether results have something added first.
protocol ResultAddition {
    static func sum(_ value: Vector, _ epilogue: borrowing Epilogue, at index: Int) -> Vector
}

enum NothingAdded: ResultAddition {
    @inline(__always)
    static func sum(_ value: Vector, _ epilogue: borrowing Epilogue, at index: Int) -> Vector { value }
}

enum AddendAdded: ResultAddition {
    @inline(__always)
    static func sum(_ value: Vector, _ epilogue: borrowing Epilogue, at index: Int) -> Vector {
        value + epilogue.addend.vector(at: index)
    }
}

struct StoringSink<Addition: ResultAddition>: ResultSink {
    private let passesCaches: Bool

    static var hasSums: Bool { false }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {
        passesCaches = epilogue.passesCaches
    }

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        output.store(Addition.sum(value, epilogue, at: index), at: index, pastCaches: passesCaches)
        return (value, value)
    }
}

struct MomentsSink: ResultSink {
    private let passesCaches: Bool

    static var hasSums: Bool { true }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {
        passesCaches = epilogue.passesCaches
    }

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        output.store(value, at: index, pastCaches: passesCaches)
        return (value, value)
    }
}

struct NormalizingSink<Addition: ResultAddition>: ResultSink {
    private let scale: Vector
    private let shift: Vector
    private let floor: Vector
    private let passesCaches: Bool

    static var hasSums: Bool { false }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {
        scale = epilogue.coefficients.vector(at: channel)
        shift = epilogue.coefficients.vector(at: channels + channel)
        floor = Vector(repeating: epilogue.floor)
        passesCaches = epilogue.passesCaches
    }

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        let normalized = shift.addingProduct(value, scale)
        output.store(
            Addition.sum(normalized, epilogue, at: index).atLeast(floor), at: index, pastCaches: passesCaches)
        return (value, value)
    }
}

struct NormalizedMaskSink<Addition: ResultAddition>: ResultSink {
    private let scale: Vector
    private let shift: Vector
    private let passesCaches: Bool

    static var hasSums: Bool { true }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {
        let start = 2 * group * channels + channel
        scale = epilogue.coefficients.vector(at: start)
        shift = epilogue.coefficients.vector(at: start + channels)
        passesCaches = epilogue.passesCaches
    }

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        let normalized = epilogue.normalized.vector(at: index)
        let masked = Addition.sum(value, epilogue, at: index).replacing(
            with: 0, where: shift.addingProduct(normalized, scale) .<= Vector())
        output.store(masked, at: index, pastCaches: passesCaches)
        return (masked, normalized)
    }
}

struct RectifiedMaskSink<Addition: ResultAddition>: ResultSink {
    private let passesCaches: Bool

    static var hasSums: Bool { true }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {
        passesCaches = epilogue.passesCaches
    }

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        let masked = Addition.sum(value, epilogue, at: index).replacing(
            with: 0, where: epilogue.rectified.vector(at: index) .<= Vector())
        output.store(masked, at: index, pastCaches: passesCaches)
        return (masked, epilogue.normalized.vector(at: index))
    }
}
