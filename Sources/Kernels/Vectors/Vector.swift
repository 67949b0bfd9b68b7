internal import CProcessor

/// Sixteen floats: one AVX-512 register, two AVX2 registers or four NEON registers.
///
/// Every loop over channels works in these, so results do not depend on the processor's own width.
typealias Vector = SIMD16<Float>

/// Elements of a `Vector`.
let vectorWidth = 16

/// `count` rounded up to whole vectors.
@inline(__always)
func paddedToVectors(_ count: Int) -> Int { (count + vectorWidth - 1) & ~(vectorWidth - 1) }

// The loads and stores below do not check bounds in a release build: they run in the innermost
// loops, whose callers have checked the sizes of the whole operands.

extension Span<Float> {
    /// Sixteen elements from `index` on.
    @inline(__always)
    func vector(at index: Int) -> Vector {
        assert(index >= 0 && index + vectorWidth <= count, "vector at \(index) of \(count) elements")
        return unsafe withUnsafeBufferPointer {
            unsafe UnsafeRawPointer($0.baseAddress.unsafelyUnwrapped + index).loadUnaligned(as: Vector.self)
        }
    }

    /// Prefetches the cache line of the element at `index`, which may be out of bounds.
    @inline(__always)
    func prefetch(at index: Int) {
        unsafe withUnsafeBufferPointer {
            let address = UInt(bitPattern: $0.baseAddress) &+ UInt(bitPattern: index &* 4)
            unsafe prefetchLine(UnsafeRawPointer(bitPattern: address))
        }
    }

    /// The element at `index`.
    @inline(__always)
    func element(at index: Int) -> Float {
        assert(index >= 0 && index < count, "element \(index) of \(count)")
        return unsafe self[unchecked: index]
    }
}

extension Span<Int32> {
    /// Sixteen elements from `index` on.
    @inline(__always)
    func vector(at index: Int) -> SIMD16<Int32> {
        assert(index >= 0 && index + vectorWidth <= count, "vector at \(index) of \(count) elements")
        return unsafe withUnsafeBufferPointer {
            unsafe UnsafeRawPointer($0.baseAddress.unsafelyUnwrapped + index).loadUnaligned(
                as: SIMD16<Int32>.self)
        }
    }
}

/// One bit per element; the first element is the lowest bit.
@inline(__always)
func bitMask(_ mask: SIMDMask<SIMD16<Int32>>) -> UInt32 {
    var bits = SIMD16<UInt32>()
    for i in 0..<16 { bits[i] = 1 << UInt32(i) }
    return SIMD16<UInt32>().replacing(with: bits, where: mask).wrappedSum()
}

extension MutableSpan<Float> {
    /// The element at `index`.
    @inline(__always)
    func element(at index: Int) -> Float { span.element(at: index) }

    /// Overwrites the element at `index`.
    @inline(__always)
    mutating func put(_ value: Float, at index: Int) {
        assert(index >= 0 && index < count, "element \(index) of \(count)")
        unsafe self[unchecked: index] = value
    }
}

extension MutableSpan<Float> {
    /// Sixteen elements from `index` on.
    @inline(__always)
    func vector(at index: Int) -> Vector { span.vector(at: index) }

    /// Overwrites sixteen elements from `index` on.
    @inline(__always)
    mutating func store(_ vector: Vector, at index: Int) {
        assert(index >= 0 && index + vectorWidth <= count, "vector at \(index) of \(count) elements")
        unsafe withUnsafeMutableBufferPointer {
            unsafe UnsafeMutableRawPointer($0.baseAddress.unsafelyUnwrapped + index).storeBytes(
                of: vector, as: Vector.self)
        }
    }
}

extension MutableSpan<Float> {
    /// Overwrites sixteen elements from `index` on, with a non-temporal store if `pastCaches`; its
    /// address must then be a multiple of 64 bytes.
    @inline(__always)
    mutating func store(_ vector: Vector, at index: Int, pastCaches: Bool) {
        guard pastCaches else {
            store(vector, at: index)
            return
        }
        assert(index >= 0 && index + vectorWidth <= count, "vector at \(index) of \(count) elements")
        unsafe withUnsafeMutableBufferPointer {
            unsafe storePastCaches(vector, UnsafeMutableRawPointer($0.baseAddress.unsafelyUnwrapped + index))
        }
    }

    /// Whether non-temporal stores are faster: the span is too large to stay in the caches until it
    /// is read, and its address is a multiple of 64 bytes.
    var isWrittenPastCaches: Bool {
        mutating get {
            guard count >= 1 << 20 else { return false }
            let address = unsafe withUnsafeMutableBufferPointer { $0.baseAddress }
            return Int(bitPattern: address).isMultiple(of: 64)
        }
    }
}

extension Vector {
    /// The larger of `self` and `floor`, element by element; a NaN stays.
    @inline(__always)
    func atLeast(_ floor: Vector) -> Vector { replacing(with: floor, where: self .< floor) }
}

extension Vector {
    /// The elements' bits.
    @inline(__always)
    var bits: SIMD16<UInt32> { unsafe unsafeBitCast(self, to: SIMD16<UInt32>.self) }

    @inline(__always)
    init(bits: SIMD16<UInt32>) { self = unsafe unsafeBitCast(bits, to: Vector.self) }

    @inline(__always)
    func addingProduct(_ factor: Float, _ other: Vector) -> Vector {
        addingProduct(Vector(repeating: factor), other)
    }
}

/// Stores the transpose of a 16×16 square of `source`.
///
/// - Parameters:
///   - start: Index of the square's first element.
///   - stride: Elements from one of the square's rows to the next.
///   - offset: Index of the transpose's first element; it is dense.
func transposeSquare(
    _ source: Span<Float>, at start: Int, stride: Int, into target: inout MutableSpan<Float>, at offset: Int
) {
    let square = transposed(InlineArray { source.vector(at: start + $0 * stride) })
    for i in 0..<16 { target.store(square[i], at: offset + i * vectorWidth) }
}

/// The transpose of a square of sixteen rows.
@inline(__always)
func transposed(_ square: InlineArray<16, Vector>) -> InlineArray<16, Vector> {
    var rows = square
    // Four rounds, each of which interleaves rows i and i + 8 into rows 2i and 2i + 1.
    for _ in 0..<4 {
        var next = rows
        for i in 0..<8 {
            next[2 * i].evenHalf = rows[i].lowHalf
            next[2 * i].oddHalf = rows[i + 8].lowHalf
            next[2 * i + 1].evenHalf = rows[i].highHalf
            next[2 * i + 1].oddHalf = rows[i + 8].highHalf
        }
        rows = next
    }
    return rows
}
