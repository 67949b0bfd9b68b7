internal import Memory
internal import Pickle

/// The representation of tensors and storages in PyTorch's pickles.
///
/// Source: PyTorch 2, torch/_utils.py (`_rebuild_tensor_v2` and its like), torch/_tensor.py
/// (`__reduce_ex__`), torch/serialization.py (`persistent_id`).
enum PyTorchPickle {
    /// Element types of storages by the name of their class in the module `torch`.
    static let storageTypes: [String: StoredTensor.ElementType] = [
        "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16,
        "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
        "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
    ]

    /// Bytes per element of storages that are not read.
    static let otherStorageTypes: [PickleGlobal: Int] = [
        PickleGlobal("torch", "ComplexFloatStorage"): 8, PickleGlobal("torch", "ComplexDoubleStorage"): 16,
        PickleGlobal("torch", "QUInt8Storage"): 1, PickleGlobal("torch", "QInt8Storage"): 1,
        PickleGlobal("torch", "QInt32Storage"): 4, PickleGlobal("torch", "QUInt4x2Storage"): 1,
        PickleGlobal("torch", "QUInt2x4Storage"): 1, PickleGlobal("torch.storage", "UntypedStorage"): 1,
    ]

    static let tensorV2 = PickleGlobal("torch._utils", "_rebuild_tensor_v2")
    static let tensorV1 = PickleGlobal("torch._utils", "_rebuild_tensor")
    static let tensorV3 = PickleGlobal("torch._utils", "_rebuild_tensor_v3")
    static let parameters: Set = [
        PickleGlobal("torch._utils", "_rebuild_parameter"),
        PickleGlobal("torch._utils", "_rebuild_parameter_with_state"),
    ]
    /// A tensor of a subclass, or with attributes: `(function, class, arguments, state)`.
    static let tensorOfType = PickleGlobal("torch._tensor", "_rebuild_from_type_v2")
    /// Classes whose elements are those of the underlying tensor.
    static let plainTypes: Set = [
        PickleGlobal("torch", "Tensor"), PickleGlobal("torch._tensor", "Tensor"),
        PickleGlobal("torch.nn.parameter", "Parameter"), PickleGlobal("torch.nn.parameter", "Buffer"),
    ]

    /// The reader of these pickles, which may name any class. A state dictionary of a thousand
    /// tensors has some ten thousand values.
    static var reader: PickleReader {
        var limits = PickleLimits()
        limits.byteCount = 64 << 20
        return PickleReader(constructors: nil, allowsPersistent: true, limits: limits)
    }

    /// Reads a pickle.
    ///
    /// - Parameter what: Name of the pickle, for errors.
    static func read(_ bytes: ArraySlice<UInt8>, what: String) throws(FormatError) -> PickleContent {
        do {
            let reader = reader
            // Bytes may follow the pickle, so the limit must not apply to the whole slice.
            return try reader.read(bytes.prefix(reader.limits.byteCount))
        } catch {
            throw FormatError("\(what), \(error)")
        }
    }
}

/// The persistent id of a storage in a pickle: `('storage', class, key, device, count)`; in the
/// format before PyTorch 1.6 with a view as the sixth element.
struct StorageReference {
    /// The storage class.
    var type: PickleGlobal
    var key: String
    /// Number of elements of the whole storage.
    var count: Int
    /// A view into it, in elements, that the format before PyTorch 1.6 may contain.
    var view: Range<Int>?

    /// `nil` for a class whose elements are not read.
    var elementType: StoredTensor.ElementType? {
        type.module == "torch" ? PyTorchPickle.storageTypes[type.name] : nil
    }

    /// `nil` if `type` is not a storage class.
    var elementByteCount: Int? { elementType?.byteCount ?? PyTorchPickle.otherStorageTypes[type] }

    /// - Throws: If `value` is not a persistent id of a storage, or has an invalid size.
    init(_ value: PickleValue) throws(FormatError) {
        guard case .persistent(.tuple(let parts)) = value, parts.count == 5 || parts.count == 6,
            parts[0].string == "storage", case .global(let type) = parts[1], let key = parts[2].string,
            let count = parts[4].integer
        else { throw FormatError("a reference to a storage is malformed") }
        guard count >= 0 else {
            throw FormatError("storage '\(shown(key))' has a negative size: \(count) elements")
        }
        self.type = type
        self.key = key
        self.count = count
        guard parts.count == 6, parts[5] != .none else { return }
        guard let view = parts[5].elements, view.count == 3, let start = view[1].integer,
            let length = view[2].integer, start >= 0, length >= 0, start <= count, length <= count - start
        else { throw FormatError("storage '\(shown(key))' has a view beyond its \(count) elements") }
        self.view = start..<start + length
    }
}
