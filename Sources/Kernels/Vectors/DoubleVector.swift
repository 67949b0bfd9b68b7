/// Eight doubles: the fixed vector width of sums in double precision, whatever the width of the
/// processor's registers.
typealias DoubleVector = SIMD8<Double>

/// Elements of a `DoubleVector`.
let doubleVectorWidth = 8

/// `count` rounded up to whole vectors of doubles.
@inline(__always)
func paddedToDoubleVectors(_ count: Int) -> Int { (count + doubleVectorWidth - 1) & ~(doubleVectorWidth - 1) }

// As in `Vector.swift`, the loads and stores below do not check bounds in a release build.

extension Span<Double> {
    /// As many elements as a `Part` has, from `index` on.
    @inline(__always)
    func vector<Part: SIMD>(at index: Int, as: Part.Type) -> Part where Part.Scalar == Double {
        assert(index >= 0 && index + Part.scalarCount <= count, "vector at \(index) of \(count) elements")
        return unsafe withUnsafeBufferPointer {
            unsafe UnsafeRawPointer($0.baseAddress.unsafelyUnwrapped + index).loadUnaligned(as: Part.self)
        }
    }

    /// Eight elements from `index` on.
    @inline(__always)
    func vector(at index: Int) -> DoubleVector { vector(at: index, as: DoubleVector.self) }

    /// The element at `index`.
    @inline(__always)
    func element(at index: Int) -> Double {
        assert(index >= 0 && index < count, "element \(index) of \(count)")
        return unsafe self[unchecked: index]
    }
}

extension MutableSpan<Double> {
    /// As many elements as a `Part` has, from `index` on.
    @inline(__always)
    func vector<Part: SIMD>(at index: Int, as: Part.Type) -> Part where Part.Scalar == Double {
        span.vector(at: index, as: Part.self)
    }

    /// Eight elements from `index` on.
    @inline(__always)
    func vector(at index: Int) -> DoubleVector { span.vector(at: index) }

    /// The element at `index`.
    @inline(__always)
    func element(at index: Int) -> Double { span.element(at: index) }

    /// Overwrites as many elements as `part` has, from `index` on.
    @inline(__always)
    mutating func store<Part: SIMD>(_ part: Part, at index: Int) where Part.Scalar == Double {
        assert(index >= 0 && index + Part.scalarCount <= count, "vector at \(index) of \(count) elements")
        unsafe withUnsafeMutableBufferPointer {
            unsafe UnsafeMutableRawPointer($0.baseAddress.unsafelyUnwrapped + index).storeBytes(
                of: part, as: Part.self)
        }
    }

    /// Adds to as many elements as `part` has, from `index` on.
    @inline(__always)
    mutating func accumulate<Part: SIMD>(_ part: Part, at index: Int) where Part.Scalar == Double {
        store(vector(at: index, as: Part.self) + part, at: index)
    }
}

extension SIMD where Scalar == Double {
    @inline(__always)
    func addingProduct(_ factor: Double, _ other: Self) -> Self {
        addingProduct(Self(repeating: factor), other)
    }
}

extension DoubleVector {
    /// The sum of the elements: the upper half is added to the lower half until one element is
    /// left.
    @inline(__always)
    var treeSum: Double {
        let four = lowHalf + highHalf
        let two = four.lowHalf + four.highHalf
        return two.x + two.y
    }
}

/// The sum of products: eight chains of fused multiply-adds over the elements whose indices agree
/// modulo 8, then `treeSum`.
///
/// - Precondition: Both have the same number of elements, a multiple of 8.
func dotProduct(_ left: Span<Double>, _ right: Span<Double>) -> Double {
    precondition(
        left.count == right.count && left.count.isMultiple(of: doubleVectorWidth),
        "\(left.count) and \(right.count) elements")
    var sums = DoubleVector()
    for j in stride(from: 0, to: left.count, by: doubleVectorWidth) {
        sums = sums.addingProduct(left.vector(at: j), right.vector(at: j))
    }
    return sums.treeSum
}

/// Adds `factor · source` to `target`, each element by one fused multiply-add.
///
/// - Precondition: Both have the same number of elements, a multiple of 8.
func accumulate(_ factor: Double, _ source: Span<Double>, into target: inout MutableSpan<Double>) {
    precondition(
        source.count == target.count && source.count.isMultiple(of: doubleVectorWidth),
        "\(source.count) elements into \(target.count)")
    for j in stride(from: 0, to: source.count, by: doubleVectorWidth) {
        target.store(target.vector(at: j).addingProduct(factor, source.vector(at: j)), at: j)
    }
}

/// The power of two that scales `largest` to 1 or more and less than 2; approximately so at the
/// ends of the range of doubles.
func normalizingScale(largest: Double) -> Double {
    guard largest > 0 else { return 1 }
    return Double(sign: .plus, exponent: -min(max(Int(largest.exponent), -1022), 1022), significand: 1)
}
