/// A NumPy array as its pickle describes it: elements of one type, not yet decoded. A NumPy scalar is
/// one of shape `[]`.
package struct NumPyArray: Equatable, Sendable {
    /// The kind and size of an element in NumPy's notation: `u1`, `i8`, `f4`, …
    package var elementType: String
    package var isBigEndian: Bool
    package var shape: [Int]
    /// Whether the array is column-major (Fortran order).
    package var isColumnMajor: Bool
    /// The bytes of the elements, as in the pickle.
    package var bytes: ArraySlice<UInt8>

    /// The functions and classes that a pickle of arrays may name: NumPy 1 and 2, protocols 0 to 5.
    package static let constructors: Set<PickleGlobal> = Set(
        ["numpy.core", "numpy._core"].flatMap { core in
            [
                PickleGlobal("\(core).multiarray", "_reconstruct"),
                PickleGlobal("\(core).multiarray", "scalar"),
                PickleGlobal("\(core).numeric", "_frombuffer"),
            ]
        } + [PickleGlobal("numpy", "ndarray"), PickleGlobal("numpy", "dtype")]
    ).union(PickleReader.bytesConstructors)

    /// Reads an array from a pickle's value.
    ///
    /// - Returns: `nil` if it is not an array, or its shape, type and bytes contradict one another.
    package init?(_ value: PickleValue) {
        guard case .object(let object) = value else { return nil }
        let parts: (shape: PickleValue, type: PickleValue, isColumnMajor: Bool, bytes: PickleValue)
        switch object.constructor.name {
        case "_reconstruct":
            // (version, shape, type, is column-major, bytes)
            guard let state = object.state?.elements, state.count == 5,
                case .bool(let isColumnMajor) = state[3]
            else { return nil }
            parts = (state[1], state[2], isColumnMajor, state[4])
        case "_frombuffer":
            // (bytes, type, shape, order)
            let arguments = object.arguments
            guard arguments.count == 4, let order = arguments[3].string else { return nil }
            parts = (arguments[2], arguments[1], order == "F", arguments[0])
        case "scalar":
            // (type, bytes)
            guard object.arguments.count == 2 else { return nil }
            parts = (.tuple([]), object.arguments[0], false, object.arguments[1])
        default: return nil
        }
        guard let type = ElementType(parts.type), case .bytes(let bytes) = parts.bytes,
            let shape = parts.shape.elements?.compactMap(\.integer),
            shape.count == parts.shape.elements?.count,
            byteCount(shape, type.byteCount) == bytes.count
        else { return nil }
        elementType = type.name
        isBigEndian = type.isBigEndian
        isColumnMajor = parts.isColumnMajor
        self.shape = shape
        self.bytes = bytes
    }

    /// The elements of an integer array, in storage order; `nil` for other types, or values that do
    /// not fit in 64 signed bits.
    package var integers: [Int]? {
        guard let kind = elementType.first, kind == "u" || kind == "i",
            let size = Int(elementType.dropFirst())
        else { return nil }
        var values: [Int] = []
        values.reserveCapacity(bytes.count / size)
        for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: size) {
            let element = bytes[start..<start + size]
            let magnitude = (isBigEndian ? Array(element) : element.reversed()).reduce(UInt64(0)) {
                $0 << 8 | UInt64($1)
            }
            let shift = UInt64(64 - 8 * size)
            if kind == "i" {
                values.append(Int(Int64(bitPattern: magnitude << shift) >> Int64(shift)))
            } else {
                guard let value = Int(exactly: magnitude) else { return nil }
                values.append(value)
            }
        }
        return values
    }
}

extension PickleValue {
    /// The integers of a list, a tuple or an array, NumPy's scalars among them; `nil` if anything else
    /// is among them.
    package var integers: [Int]? {
        guard let elements else { return NumPyArray(self)?.integers }
        let integers = elements.compactMap { $0.integer ?? $0.scalar }
        return integers.count == elements.count ? integers : nil
    }

    /// A NumPy scalar's integer.
    private var scalar: Int? {
        guard let array = NumPyArray(self), array.shape.isEmpty else { return nil }
        return array.integers?.first
    }
}

private struct ElementType {
    var name: String
    var byteCount: Int
    var isBigEndian: Bool

    /// From `numpy.dtype('u1', …)` with the state `(version, byte order, …)`.
    init?(_ value: PickleValue) {
        guard case .object(let object) = value, object.constructor == PickleGlobal("numpy", "dtype"),
            let name = object.arguments.first?.string, let kind = name.first, "biuf".contains(kind),
            let byteCount = Int(name.dropFirst()), [1, 2, 4, 8].contains(byteCount)
        else { return nil }
        self.name = name
        self.byteCount = byteCount
        isBigEndian = object.state?.elements.flatMap { $0.count > 1 ? $0[1].string : nil } == ">"
    }
}

/// The byte count of all elements; `nil` for a negative length or an overflow.
private func byteCount(_ shape: [Int], _ elementByteCount: Int) -> Int? {
    var count = elementByteCount
    for length in shape {
        let (product, overflows) = count.multipliedReportingOverflow(by: length)
        if length < 0 || overflows { return nil }
        count = product
    }
    return count
}
