extension StoredTensor {
    /// The elements in single precision and row-major order; float64 and integers beyond 2²⁴ are
    /// rounded.
    package func floats() -> [Float] {
        if elementType == .float32 && !isBigEndian && strides == rowStrides(of: shape) { return copied() }
        var values = [Float](repeating: 0, count: count)
        var place = [Int](repeating: 0, count: shape.count)
        var element = 0
        for index in values.indices {
            values[index] = value(at: element)
            // Advances the index: the last axis first, with a carry to the axes before it.
            for axis in shape.indices.reversed() {
                place[axis] += 1
                element += strides[axis]
                if place[axis] < shape[axis] { break }
                element -= place[axis] * strides[axis]
                place[axis] = 0
            }
        }
        return values
    }

    /// The first element of a non-empty `int64` tensor.
    var firstInteger: Int {
        precondition(elementType == .int64 && count > 0, "the first integer of \(elementType) \(shape)")
        return Int(Int64(bitPattern: bits(at: 0)))
    }

    private func copied() -> [Float] {
        let count = count
        return unsafe bytes.withUnsafeBytes { source in
            unsafe [Float](unsafeUninitializedCapacity: count) { target, initialized in
                unsafe UnsafeMutableRawBufferPointer(target).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: source[..<(4 * count)]))
                initialized = count
            }
        }
    }

    private func bits(at element: Int) -> UInt64 {
        let size = elementType.byteCount
        let start = bytes.startIndex + element * size
        var bits: UInt64 = 0
        for index in 0..<size {
            let byte = UInt64(bytes[start + index])
            bits |= byte << UInt64(8 * (isBigEndian ? size - 1 - index : index))
        }
        return bits
    }

    private func value(at element: Int) -> Float {
        let bits = bits(at: element)
        return switch elementType {
        case .float64: Float(Double(bitPattern: bits))
        case .float32: Float(bitPattern: UInt32(bits))
        case .float16: Float(Float16(bitPattern: UInt16(bits)))
        case .bfloat16: Float(bitPattern: UInt32(bits) << 16)
        case .int64: Float(Int64(bitPattern: bits))
        case .int32: Float(Int32(bitPattern: UInt32(bits)))
        case .int16: Float(Int16(bitPattern: UInt16(bits)))
        case .int8: Float(Int8(bitPattern: UInt8(bits)))
        case .uint8, .bool: Float(bits)
        }
    }
}
