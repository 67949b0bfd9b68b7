internal import Pickle

/// What a value of a state dictionary describes.
enum TensorDescription {
    /// The arguments of `_rebuild_tensor_v2`: `(storage, offset, shape, strides, …)`.
    case view([PickleValue])
    /// A tensor that is not read: what it is, to follow its name.
    case unread(String)
}

extension PickleValue {
    /// The tensor that this describes; `nil` if it is none.
    var tensorDescription: TensorDescription? {
        guard case .object(let object) = self else { return nil }
        switch object.constructor {
        case PyTorchPickle.tensorV2, PyTorchPickle.tensorV1: return .view(object.arguments)
        case let name where PyTorchPickle.parameters.contains(name):
            return object.arguments.first?.tensorDescription
        case PyTorchPickle.tensorOfType: return object.descriptionOfType
        case PyTorchPickle.tensorV3:
            return .unread(
                "is of type \(name(of: object.arguments, 6)), which is not read; save tensor.float() in its place"
            )
        case PickleGlobal("torch._utils", "_rebuild_sparse_tensor"):
            return .unread("is a sparse tensor; save tensor.to_dense() in its place")
        case PickleGlobal("torch._utils", "_rebuild_qtensor"):
            return .unread("is quantized; save tensor.dequantize() in its place")
        case let name where name.module.hasPrefix("torch.") && name.name.hasPrefix("_rebuild"):
            return .unread(
                "is made by \(shown("\(name)")), which is not read; save tensor.cpu().float() in its place")
        default:
            guard NumPyArray(self) != nil else { return nil }
            return .unread("is an array of NumPy; save torch.from_numpy(array) in its place")
        }
    }

    /// What a value is that should be a tensor and is none.
    var kind: String {
        switch self {
        case .object(let object):
            "is made by \(shown("\(object.constructor)")), which is kept as a name and never run"
        case .global(let name): "is \(shown("\(name)")), which is kept as a name and never run"
        case .opaque(let reason): "is left out: \(reason)"
        default: "is no tensor"
        }
    }

    /// The module of PyTorch that was saved whole; `nil` for what is none.
    var wholeModule: PickleGlobal? {
        guard case .object(let object) = self, object.state?["_modules"] != nil,
            object.state?["_parameters"] != nil
        else { return nil }
        // Old protocols make it by copyreg._reconstructor(class, …).
        if case .global(let type)? = object.arguments.first, object.constructor.module.hasPrefix("copy") {
            return type
        }
        return object.constructor
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

    /// A tensor from its description.
    ///
    /// - Parameters:
    ///   - arguments: `(storage, offset, shape, strides, …)`.
    ///   - storage: The bytes of a storage.
    /// - Returns: `nil` if its type is not read.
    static func tensor(
        _ arguments: [PickleValue], name: String, isBigEndian: Bool,
        _ storage: (StorageReference) throws(FormatError) -> ArraySlice<UInt8>
    ) throws(FormatError) -> StoredTensor? {
        guard arguments.count >= 4, let offset = arguments[1].integer,
            let shape = arguments[2].sizes, let strides = arguments[3].sizes
        else { throw FormatError("tensor '\(shown(name))' is not described as one") }
        let reference = try StorageReference(arguments[0])
        guard let elementType = reference.elementType else { return nil }
        var bytes = try storage(reference)
        let size = elementType.byteCount
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
            elementType, shape: shape, strides: strides, offset: offset, of: bytes,
            isBigEndian: isBigEndian, name: name)
    }
}

extension PickleObject {
    /// The tensor of `(function, class, arguments, state)`, if the class adds nothing to its numbers.
    fileprivate var descriptionOfType: TensorDescription? {
        guard arguments.count >= 3, case .global(let function) = arguments[0],
            case .global(let type) = arguments[1], let parts = arguments[2].elements
        else { return nil }
        guard PyTorchPickle.plainTypes.contains(type) else {
            return .unread(
                "is of class \(shown("\(type)")), which is not read; save tensor.detach().as_subclass(torch.Tensor) in its place"
            )
        }
        let made = PickleObject(constructor: function, arguments: parts)
        return function == PyTorchPickle.tensorOfType ? nil : PickleValue.object(made).tensorDescription
    }
}

/// The name of a class among arguments.
private func name(of arguments: [PickleValue], _ index: Int) -> String {
    guard arguments.indices.contains(index), case .global(let name) = arguments[index] else {
        return "unknown"
    }
    return shown("\(name)")
}
