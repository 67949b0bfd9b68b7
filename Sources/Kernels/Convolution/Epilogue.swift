internal import Memory

/// The operations on a convolution's results while they are in registers, before they are stored.
///
/// `addend`, if not empty, is a tensor of the results' shape that is added to them.
package struct Epilogue: ~Escapable, Sendable {
    enum Kind: Sendable {
        case store, moments, normalize, maskByNormalized, maskByReLU
    }

    let kind: Kind
    let floor: Float
    let groups: SampleGroups
    let addend: Span<Float>
    /// Input of the normalisation whose gradient the results are, or empty.
    let normalized: Span<Float>
    let coefficients: Span<Float>
    let reluOutput: Span<Float>
    /// Whether results are written with non-temporal stores, past the caches.
    private(set) var passesCaches = false

    /// Whether the epilogue sums the results.
    package var hasSums: Bool { kind != .store && kind != .normalize }

    /// Stores the results.
    @_lifetime(copy addend)
    package init(adding addend: Span<Float> = Span()) {
        kind = .store
        floor = -.infinity
        groups = SampleGroups.one
        self.addend = addend
        normalized = Span()
        coefficients = Span()
        reluOutput = Span()
    }

    @_lifetime(copy addend)
    private init(momentsAdding addend: Span<Float>) {
        kind = .moments
        floor = -.infinity
        groups = SampleGroups.one
        self.addend = addend
        normalized = Span()
        coefficients = Span()
        reluOutput = Span()
    }

    /// Stores the results plus `addend`; sums them and their squares, for the normalisation that
    /// follows.
    @_lifetime(copy addend)
    package static func moments(adding addend: Span<Float> = Span()) -> Epilogue {
        Epilogue(momentsAdding: addend)
    }

    /// Stores `scale · result + shift + addend`, followed by ReLU if `appliesReLU`: a normalisation
    /// with known statistics.
    ///
    /// - Parameter coefficients: Shape `[2, K]`: scale, then shift.
    @_lifetime(copy coefficients, copy addend)
    package init(normalizing coefficients: Span<Float>, appliesReLU: Bool, adding addend: Span<Float>) {
        kind = .normalize
        floor = appliesReLU ? 0 : -.infinity
        groups = SampleGroups.one
        self.addend = addend
        normalized = Span()
        self.coefficients = coefficients
        reluOutput = Span()
    }

    /// For results that are the gradient of ReLU of a normalisation: sets them to 0 where the
    /// ReLU's output is 0; sums them and their products with the input of the normalisation.
    ///
    /// - Parameters:
    ///   - normalized: Input of the normalisation; shape of the results.
    ///   - coefficients: Shape `[groups, 2, K]`: scale, then shift.
    @_lifetime(copy normalized, copy coefficients, copy addend)
    package init(
        maskingBy normalized: Span<Float>, coefficients: Span<Float>, groups: SampleGroups,
        adding addend: Span<Float> = Span()
    ) {
        kind = .maskByNormalized
        floor = -.infinity
        self.groups = groups
        self.addend = addend
        self.normalized = normalized
        self.coefficients = coefficients
        reluOutput = Span()
    }

    /// For results that are the gradient of ReLU of a normalisation plus another tensor: as above,
    /// but masks by the ReLU's stored output.
    ///
    /// - Parameters:
    ///   - reluOutput: Output of the ReLU; shape of the results.
    ///   - normalized: Input of the normalisation; shape of the results.
    @_lifetime(copy reluOutput, copy normalized, copy addend)
    package init(
        maskingByReLU reluOutput: Span<Float>, normalized: Span<Float>,
        adding addend: Span<Float> = Span()
    ) {
        kind = .maskByReLU
        floor = -.infinity
        groups = SampleGroups.one
        self.addend = addend
        self.normalized = normalized
        coefficients = Span()
        self.reluOutput = reluOutput
    }
}

extension Epilogue {
    /// This epilogue with the kind of store that suits the size and the address of `output`.
    @_lifetime(copy self)
    func fitted(to output: inout MutableSpan<Float>) -> Epilogue {
        var fitted = copy self
        fitted.passesCaches = output.isWrittenPastCaches
        return fitted
    }

    /// Zeroes the sums of a range of channels if the epilogue computes sums.
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

/// Consumes one sample's results, sixteen channels at a time. A kernel's last loop is specialised
/// for the type of sink.
protocol ResultSink {
    /// - Parameters:
    ///   - group: The sample's batch-norm group.
    ///   - channel: The first of the sixteen channels.
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int)

    /// Stores sixteen channels of one pixel at element `index`.
    ///
    /// - Returns: The value to sum, and the factor of the product to sum.
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector)

    /// Whether the epilogue computes sums.
    static var hasSums: Bool { get }
}

/// What is added to the results: nothing or an addend.
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

struct MomentsSink<Addition: ResultAddition>: ResultSink {
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
        let sum = Addition.sum(value, epilogue, at: index)
        output.store(sum, at: index, pastCaches: passesCaches)
        return (sum, sum)
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

struct ReLUMaskSink<Addition: ResultAddition>: ResultSink {
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
            with: 0, where: epilogue.reluOutput.vector(at: index) .<= Vector())
        output.store(masked, at: index, pastCaches: passesCaches)
        return (masked, epilogue.normalized.vector(at: index))
    }
}
