internal import Pickle

/// What PyTorch's pickles may name, and how tensors and storages are written in them.
///
/// Source: PyTorch 2, torch/_utils.py (`_rebuild_tensor_v2`), torch/serialization.py (`persistent_id`), and its list for
/// `weights_only` (torch/_weights_only_unpickler.py), of which this is a part.
enum PyTorchPickle {
    /// Storages by the name of their class in the module `torch`.
    static let storageTypes: [String: StoredTensor.ElementType] = [
        "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16,
        "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
        "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
    ]

    static let tensorV2 = PickleGlobal("torch._utils", "_rebuild_tensor_v2")
    static let tensorV1 = PickleGlobal("torch._utils", "_rebuild_tensor")
    static let parameter = PickleGlobal("torch._utils", "_rebuild_parameter")

    /// The closed list of what may be named; whatever else is refused by its name.
    static let constructors: Set<PickleGlobal> = Set(
        [
            tensorV2, tensorV1, parameter,
            PickleGlobal("collections", "OrderedDict"), PickleGlobal("torch", "Size"),
            PickleGlobal("torch", "device"),
            PickleGlobal("__builtin__", "set"), PickleGlobal("__builtin__", "frozenset"),
            PickleGlobal("numpy.core.multiarray", "scalar"), PickleGlobal("numpy._core.multiarray", "scalar"),
        ] + storageTypes.keys.map { PickleGlobal("torch", $0) }
    ).union(NumPyArray.constructors)

    /// The reader of these pickles: a state dictionary of a thousand tensors has some ten thousand values.
    static var reader: PickleReader {
        var limits = PickleLimits()
        limits.byteCount = 64 << 20
        limits.valueCount = 1 << 21
        limits.memoCount = 1 << 21
        limits.expandedCount = 1 << 22
        return PickleReader(constructors: constructors, allowsPersistent: true, limits: limits)
    }

    /// Reads a pickle; what is wrong with it is said as one of `what`.
    static func read(
        _ bytes: ArraySlice<UInt8>, what: String
    ) throws(FormatError) -> (value: PickleValue, byteCount: Int) {
        do {
            var reader = reader
            // What follows the pickle is not the pickle's.
            let limit = reader.limits.byteCount
            if bytes.count > limit {
                reader.limits.byteCount = limit
                return try reader.read(bytes.prefix(limit))
            }
            return try reader.read(bytes)
        } catch {
            throw FormatError("\(what), \(error)")
        }
    }
}

/// A storage as a pickle names it: `('storage', class, key, device, count)`, in the old format with a view as sixth.
struct StorageReference {
    var elementType: StoredTensor.ElementType
    var key: String
    /// Elements of the whole storage.
    var count: Int
    /// A part of it, in elements, that the old format may mean.
    var view: Range<Int>?

    /// - Throws: If `value` is no name of a storage, or one of a class or size that cannot be.
    init(_ value: PickleValue) throws(FormatError) {
        guard case .persistent(.tuple(let parts)) = value, parts.count == 5 || parts.count == 6,
            parts[0].string == "storage", case .global(let type) = parts[1], let key = parts[2].string,
            let count = parts[4].integer
        else { throw FormatError("what should name a storage does not") }
        guard type.module == "torch", let elementType = PyTorchPickle.storageTypes[type.name] else {
            throw FormatError("storage '\(shown(key))' is a \(type), which is no class of storages")
        }
        guard count >= 0 else {
            throw FormatError("storage '\(shown(key))' has a negative size: \(count) elements")
        }
        self.elementType = elementType
        self.key = key
        self.count = count
        guard parts.count == 6, parts[5] != .none else { return }
        guard let view = parts[5].elements, view.count == 3, let start = view[1].integer,
            let length = view[2].integer, start >= 0, length >= 0, start <= count, length <= count - start
        else { throw FormatError("storage '\(shown(key))' has a view that leaves its \(count) elements") }
        self.view = start..<start + length
    }
}

extension PickleValue {
    /// The description of a tensor, if this is one: of `_rebuild_tensor_v2`, or a parameter made of it.
    var tensorArguments: [PickleValue]? {
        guard case .object(let object) = self else { return nil }
        switch object.constructor {
        case PyTorchPickle.tensorV2, PyTorchPickle.tensorV1: return object.arguments
        case PyTorchPickle.parameter: return object.arguments.first?.tensorArguments
        default: return nil
        }
    }

    /// Calls `body` with each name of what lies outside the pickle.
    func forEachPersistent(_ body: (PickleValue) throws(FormatError) -> Void) throws(FormatError) {
        switch self {
        case .persistent: try body(self)
        case .list(let items), .tuple(let items), .set(let items):
            for item in items { try item.forEachPersistent(body) }
        case .dictionary(let entries):
            for entry in entries { try entry.value.forEachPersistent(body) }
        case .object(let object):
            for item in object.arguments + object.items { try item.forEachPersistent(body) }
            for entry in object.entries { try entry.value.forEachPersistent(body) }
            try object.state?.forEachPersistent(body)
        default: break
        }
    }

    /// A tensor from its description.
    ///
    /// - Parameters:
    ///   - arguments: `(storage, offset, shape, strides, …)`.
    ///   - storage: The bytes of a storage.
    static func tensor(
        _ arguments: [PickleValue], name: String, isBigEndian: Bool,
        _ storage: (StorageReference) throws(FormatError) -> ArraySlice<UInt8>
    ) throws(FormatError) -> StoredTensor {
        guard arguments.count >= 4, let offset = arguments[1].integer,
            let shape = arguments[2].sizes, let strides = arguments[3].sizes
        else { throw FormatError("tensor '\(shown(name))' is not described as one") }
        let reference = try StorageReference(arguments[0])
        var bytes = try storage(reference)
        let size = reference.elementType.byteCount
        guard bytes.count / size == reference.count, bytes.count.isMultiple(of: size) else {
            throw FormatError(
                """
                storage '\(shown(reference.key))' of tensor '\(shown(name))' has \(bytes.count) bytes, expected \
                \(reference.count) elements of \(size)
                """)
        }
        if let view = reference.view {
            bytes = bytes.dropFirst(view.lowerBound * size).prefix(view.count * size)
        }
        return try StoredTensor(
            reference.elementType, shape: shape, strides: strides, offset: offset, of: bytes,
            isBigEndian: isBigEndian, name: name)
    }

    /// The numbers of a tuple, or of a `torch.Size` that was made from one.
    private var sizes: [Int]? {
        if case .object(let object) = self, object.constructor == PickleGlobal("torch", "Size") {
            return object.arguments.first?.integers
        }
        guard case .tuple(let parts) = self else { return nil }
        let sizes = parts.compactMap(\.integer)
        return sizes.count == parts.count ? sizes : nil
    }
}
