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
    let addend: MapSpan
    /// Input of the normalisation whose gradient the results are, or empty.
    let normalized: MapSpan
    let coefficients: Span<Float>
    let reluOutput: MapSpan
    /// How results are written.
    private(set) var writing = MapWriting()

    /// Whether the epilogue sums the results.
    package var hasSums: Bool { kind != .store && kind != .normalize }

    /// Stores the results.
    @_lifetime(copy addend)
    package init(adding addend: MapSpan = MapSpan()) {
        kind = .store
        floor = -.infinity
        groups = SampleGroups.one
        self.addend = addend
        normalized = MapSpan()
        coefficients = Span()
        reluOutput = MapSpan()
    }

    @_lifetime(copy addend)
    private init(momentsAdding addend: MapSpan) {
        kind = .moments
        floor = -.infinity
        groups = SampleGroups.one
        self.addend = addend
        normalized = MapSpan()
        coefficients = Span()
        reluOutput = MapSpan()
    }

    /// Stores the results plus `addend`; sums them and their squares, for the normalisation that
    /// follows.
    @_lifetime(copy addend)
    package static func moments(adding addend: MapSpan = MapSpan()) -> Epilogue {
        Epilogue(momentsAdding: addend)
    }

    /// Stores `scale · result + shift + addend`, followed by ReLU if `appliesReLU`: a normalisation
    /// with known statistics.
    ///
    /// - Parameter coefficients: Shape `[2, K]`: scale, then shift.
    @_lifetime(copy coefficients, copy addend)
    package init(normalizing coefficients: Span<Float>, appliesReLU: Bool, adding addend: MapSpan) {
        kind = .normalize
        floor = appliesReLU ? 0 : -.infinity
        groups = SampleGroups.one
        self.addend = addend
        normalized = MapSpan()
        self.coefficients = coefficients
        reluOutput = MapSpan()
    }

    /// For results that are the gradient of ReLU of a normalisation: sets them to 0 where the
    /// ReLU's output is 0; sums them and their products with the input of the normalisation.
    ///
    /// - Parameters:
    ///   - normalized: Input of the normalisation; shape of the results.
    ///   - coefficients: Shape `[groups, 2, K]`: scale, then shift.
    @_lifetime(copy normalized, copy coefficients, copy addend)
    package init(
        maskingBy normalized: MapSpan, coefficients: Span<Float>, groups: SampleGroups,
        adding addend: MapSpan = MapSpan()
    ) {
        kind = .maskByNormalized
        floor = -.infinity
        self.groups = groups
        self.addend = addend
        self.normalized = normalized
        self.coefficients = coefficients
        reluOutput = MapSpan()
    }

    /// For results that are the gradient of ReLU of a normalisation plus another tensor: as above,
    /// but masks by the ReLU's stored output.
    ///
    /// - Parameters:
    ///   - reluOutput: Output of the ReLU; shape of the results.
    ///   - normalized: Input of the normalisation; shape of the results.
    @_lifetime(copy reluOutput, copy normalized, copy addend)
    package init(
        maskingByReLU reluOutput: MapSpan, normalized: MapSpan,
        adding addend: MapSpan = MapSpan()
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
    /// This epilogue with results that are stored as `storage`.
    @_lifetime(copy self)
    package func storing(as storage: MapStorage) -> Epilogue {
        var result = copy self
        result.writing.storage = storage
        return result
    }

    /// How results are stored.
    package var storage: MapStorage { writing.storage }

    /// This epilogue with the kind of store that suits the size and the address of `output`.
    @_lifetime(copy self)
    func fitted(to output: inout MutableSpan<Float>) -> Epilogue {
        var fitted = copy self
        fitted.writing.passesCaches = output.isWrittenPastCaches(as: storage)
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
    private let writing: MapWriting

    static var hasSums: Bool { false }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {
        writing = epilogue.writing
    }

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        output.store(Addition.sum(value, epilogue, at: index), at: index, as: writing)
        return (value, value)
    }
}

struct MomentsSink<Addition: ResultAddition>: ResultSink {
    private let writing: MapWriting

    static var hasSums: Bool { true }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {
        writing = epilogue.writing
    }

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        let sum = Addition.sum(value, epilogue, at: index)
        output.store(sum, at: index, as: writing)
        return (sum, sum)
    }
}

struct NormalizingSink<Addition: ResultAddition>: ResultSink {
    private let scale: Vector
    private let shift: Vector
    private let floor: Vector
    private let writing: MapWriting

    static var hasSums: Bool { false }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {
        scale = epilogue.coefficients.vector(at: channel)
        shift = epilogue.coefficients.vector(at: channels + channel)
        floor = Vector(repeating: epilogue.floor)
        writing = epilogue.writing
    }

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        let normalized = shift.addingProduct(value, scale)
        output.store(
            Addition.sum(normalized, epilogue, at: index).atLeast(floor), at: index, as: writing)
        return (value, value)
    }
}

struct NormalizedMaskSink<Addition: ResultAddition>: ResultSink {
    private let scale: Vector
    private let shift: Vector
    private let writing: MapWriting

    static var hasSums: Bool { true }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {
        let start = 2 * group * channels + channel
        scale = epilogue.coefficients.vector(at: start)
        shift = epilogue.coefficients.vector(at: start + channels)
        writing = epilogue.writing
    }

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        let normalized = epilogue.normalized.vector(at: index)
        let masked = Addition.sum(value, epilogue, at: index).replacing(
            with: 0, where: shift.addingProduct(normalized, scale) .<= Vector())
        output.store(masked, at: index, as: writing)
        return (masked, normalized)
    }
}

struct ReLUMaskSink<Addition: ResultAddition>: ResultSink {
    private let writing: MapWriting

    static var hasSums: Bool { true }

    @inline(__always)
    init(_ epilogue: borrowing Epilogue, group: Int, channel: Int, channels: Int) {
        writing = epilogue.writing
    }

    @inline(__always)
    func take(
        _ value: Vector, _ epilogue: borrowing Epilogue, at index: Int, into output: inout MutableSpan<Float>
    ) -> (value: Vector, factor: Vector) {
        let masked = Addition.sum(value, epilogue, at: index).replacing(
            with: 0, where: epilogue.reluOutput.vector(at: index) .<= Vector())
        output.store(masked, at: index, as: writing)
        return (masked, epilogue.normalized.vector(at: index))
    }
}
