/// A tensor of a file of another program: a strided view of stored bytes, not yet converted.
package struct StoredTensor: Sendable {
    /// The type of an element.
    package enum ElementType: String, CaseIterable, Sendable {
        case float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8, bool

        var byteCount: Int {
            switch self {
            case .float64, .int64: 8
            case .float32, .int32: 4
            case .float16, .bfloat16, .int16: 2
            case .int8, .uint8, .bool: 1
            }
        }

        /// Whether it is a floating-point type, as weights need.
        package var isReal: Bool {
            switch self {
            case .float64, .float32, .float16, .bfloat16: true
            case .int64, .int32, .int16, .int8, .uint8, .bool: false
            }
        }
    }

    package let elementType: ElementType
    package let shape: [Int]
    /// Strides in elements.
    let strides: [Int]
    /// The stored bytes, starting at the first element.
    let bytes: ArraySlice<UInt8>
    let isBigEndian: Bool

    package var count: Int { shape.reduce(1, *) }

    /// A view of a storage.
    ///
    /// - Parameters:
    ///   - strides: Strides in elements; row-major if `nil`.
    ///   - offset: Index of the first element in the storage.
    ///   - name: The tensor's name, for errors.
    /// - Throws: If sizes are negative or too large, the view exceeds its storage, or elements
    ///   overlap.
    init(
        _ elementType: ElementType, shape: [Int], strides: [Int]? = nil, offset: Int = 0,
        of storage: ArraySlice<UInt8>, isBigEndian: Bool = false, name: String
    ) throws(FormatError) {
        let name = shown(name)
        guard shape.count <= 16, strides == nil || strides?.count == shape.count else {
            throw FormatError("tensor '\(name)' has \(shape.count) axes with other strides, or more than 16")
        }
        guard offset >= 0, shape.allSatisfy({ $0 >= 0 }), strides?.allSatisfy({ $0 >= 0 }) ?? true else {
            throw FormatError("tensor '\(name)' has a negative size: shape \(shape), offset \(offset)")
        }
        let stored = storage.count / elementType.byteCount
        var count = 1
        for size in shape {
            let (product, overflows) = count.multipliedReportingOverflow(by: size)
            // A stored element is used at most once, so a small file cannot request much memory.
            guard !overflows, product <= stored else {
                // torch.Tensor.expand gives a stride of 0: one stored element for many.
                let remedy = strides?.contains(0) ?? false ? "; save tensor.contiguous() instead" : ""
                throw FormatError(
                    "tensor '\(name)' of shape \(shape) has more elements than its storage's \(stored)\(remedy)"
                )
            }
            count = product
        }
        let strides = strides ?? rowStrides(of: shape)
        guard count == 0 || Self.end(shape, strides, offset: offset) ?? .max <= stored else {
            throw FormatError(
                "tensor '\(name)' of shape \(shape), strides \(strides) and offset \(offset) exceeds its storage of \(stored) elements"
            )
        }
        guard count == 0 || Self.areApart(shape, strides) else {
            throw FormatError(
                "tensor '\(name)' has elements that overlap: shape \(shape), strides \(strides)")
        }
        self.elementType = elementType
        self.shape = shape
        self.strides = strides
        bytes = count == 0 ? [] : storage.dropFirst(offset * elementType.byteCount)
        self.isBigEndian = isBigEndian
    }

    /// One past the last element of a non-empty view; `nil` on overflow.
    private static func end(_ shape: [Int], _ strides: [Int], offset: Int) -> Int? {
        var last = offset
        for (size, stride) in zip(shape, strides) {
            let (length, overflows) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflows) = last.addingReportingOverflow(length)
            if overflows || sumOverflows || sum == .max { return nil }
            last = sum
        }
        return last + 1
    }

    /// Whether elements do not overlap: each stride is larger than the extent of all smaller
    /// strides.
    private static func areApart(_ shape: [Int], _ strides: [Int]) -> Bool {
        let axes = zip(shape, strides).filter { $0.0 > 1 }.sorted { $0.1 < $1.1 }
        var reach = 0
        for (size, stride) in axes {
            if stride <= reach { return false }
            reach += (size - 1) * stride
        }
        return true
    }
}

/// Row-major strides in elements.
func rowStrides(of shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] &* shape[axis + 1] }
    return strides
}
