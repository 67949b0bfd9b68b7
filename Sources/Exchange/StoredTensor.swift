/// A tensor as it lies in a file of another program: a view of stored bytes, not yet converted.
public struct StoredTensor: Sendable {
    /// The type of an element.
    public enum ElementType: String, CaseIterable, Sendable {
        case float64, float32, float16, bfloat16, int64, int32, int16, int8, uint8, bool

        var byteCount: Int {
            switch self {
            case .float64, .int64: 8
            case .float32, .int32: 4
            case .float16, .bfloat16, .int16: 2
            case .int8, .uint8, .bool: 1
            }
        }

        /// Whether it can hold weights.
        public var isReal: Bool {
            switch self {
            case .float64, .float32, .float16, .bfloat16: true
            case .int64, .int32, .int16, .int8, .uint8, .bool: false
            }
        }
    }

    public let elementType: ElementType
    public let shape: [Int]
    /// Elements between neighbours along each axis.
    let strides: [Int]
    /// The stored bytes from the first element on.
    let bytes: ArraySlice<UInt8>
    let isBigEndian: Bool

    public var count: Int { shape.reduce(1, *) }

    /// A view of a storage.
    ///
    /// - Parameters:
    ///   - strides: Elements between neighbours along each axis; those of rows that lie one behind the other if `nil`.
    ///   - offset: The first element.
    ///   - name: The tensor's name, for errors.
    /// - Throws: If sizes are negative or too large, the view leaves its storage, or elements share bytes.
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
            // A stored element is used once at most, so a small file never asks for much memory.
            guard !overflows, product <= stored else {
                // What torch.Tensor.expand makes: one element that stands for many.
                let remedy = strides?.contains(0) ?? false ? "; save tensor.contiguous() in its place" : ""
                throw FormatError(
                    "tensor '\(name)' of shape \(shape) has more elements than its storage's \(stored)\(remedy)"
                )
            }
            count = product
        }
        let strides = strides ?? rowStrides(of: shape)
        guard count == 0 || Self.end(shape, strides, offset: offset) ?? .max <= stored else {
            throw FormatError(
                "tensor '\(name)' of shape \(shape), strides \(strides) and offset \(offset) leaves its storage of \(stored) elements"
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

    /// One past the last element of a view that is not empty.
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

    /// Whether every axis steps over all that the shorter steps reach.
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

/// Strides of rows that lie one behind the other.
func rowStrides(of shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] &* shape[axis + 1] }
    return strides
}
