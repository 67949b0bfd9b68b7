internal import Pickle

/// The tensor that a value of a state dictionary describes.
enum TensorDescription {
    /// The arguments of `_rebuild_tensor_v2`: `(storage, offset, shape, strides, …)`.
    case view([PickleValue])
    /// A tensor that is not read, with the reason, which follows its name in a message.
    case unread(String)
}

extension PickleValue {
    /// The tensor that this describes; `nil` if it is not a tensor.
    var tensorDescription: TensorDescription? {
        guard case .object(let object) = self else { return nil }
        switch object.constructor {
        case PyTorchPickle.tensorV2, PyTorchPickle.tensorV1: return .view(object.arguments)
        case let name where PyTorchPickle.parameters.contains(name):
            return object.arguments.first?.tensorDescription
        case PyTorchPickle.tensorOfType: return object.descriptionOfType
        case PyTorchPickle.tensorV3:
            return .unread(
                "is of type \(name(of: object.arguments, 6)), which is not read; save tensor.float() instead"
            )
        case PickleGlobal("torch._utils", "_rebuild_sparse_tensor"):
            return .unread("is a sparse tensor; save tensor.to_dense() instead")
        case PickleGlobal("torch._utils", "_rebuild_qtensor"):
            return .unread("is quantized; save tensor.dequantize() instead")
        case let name where name.module.hasPrefix("torch.") && name.name.hasPrefix("_rebuild"):
            return .unread(
                "is made by \(shown("\(name)")), which is not read; save tensor.cpu().float() instead")
        default:
            guard NumPyArray(self) != nil else { return nil }
            return .unread("is a NumPy array; save torch.from_numpy(array) instead")
        }
    }

    /// A description of a value that is not a tensor.
    var kind: String {
        switch self {
        case .object(let object):
            "is made by \(shown("\(object.constructor)")), which is kept as a name and never run"
        case .global(let name): "is \(shown("\(name)")), which is kept as a name and never run"
        case .opaque(let reason): "is left out: \(reason)"
        default: "is not a tensor"
        }
    }

    /// The class of a PyTorch module that was saved as a whole object; `nil` for other values.
    var wholeModule: PickleGlobal? {
        guard case .object(let object) = self, object.state?["_modules"] != nil,
            object.state?["_parameters"] != nil
        else { return nil }
        // Old protocols create it by copyreg._reconstructor(class, …).
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

    /// Makes a tensor from its description.
    ///
    /// - Parameters:
    ///   - arguments: `(storage, offset, shape, strides, …)`.
    ///   - storage: The bytes of a storage.
    /// - Returns: `nil` if its type is not supported.
    static func tensor(
        _ arguments: [PickleValue], name: String, isBigEndian: Bool,
        _ storage: (StorageReference) throws(FormatError) -> ArraySlice<UInt8>
    ) throws(FormatError) -> StoredTensor? {
        guard arguments.count >= 4, let offset = arguments[1].integer,
            let shape = arguments[2].sizes, let strides = arguments[3].sizes
        else { throw FormatError("tensor '\(shown(name))' has a malformed description") }
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
    /// The tensor of `(function, class, arguments, state)`; unread if the class may change the
    /// meaning of its elements.
    fileprivate var descriptionOfType: TensorDescription? {
        guard arguments.count >= 3, case .global(let function) = arguments[0],
            case .global(let type) = arguments[1], let parts = arguments[2].elements
        else { return nil }
        guard PyTorchPickle.plainTypes.contains(type) else {
            return .unread(
                "is of class \(shown("\(type)")), which is not read; save tensor.detach().as_subclass(torch.Tensor) instead"
            )
        }
        let made = PickleObject(constructor: function, arguments: parts)
        return function == PyTorchPickle.tensorOfType ? nil : PickleValue.object(made).tensorDescription
    }
}

/// The name of the class at `index` of the arguments.
private func name(of arguments: [PickleValue], _ index: Int) -> String {
    guard arguments.indices.contains(index), case .global(let name) = arguments[index] else {
        return "unknown"
    }
    return shown("\(name)")
}
