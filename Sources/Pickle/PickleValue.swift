/// The content of a pickle as plain data: no Python object is imported, called or built.
///
/// A container is a value here, so two places that share one in Python hold equal copies.
package indirect enum PickleValue: Equatable, Sendable {
    case none
    case bool(Bool)
    case integer(Int)
    /// An integer of more than 64 bits: little-endian, two's complement.
    case longInteger(ArraySlice<UInt8>)
    case real(Double)
    case text(String)
    /// Python 3's `bytes` or `bytearray`, or Python 2's `str`; a slice of the pickle itself if it
    /// contains the bytes as they are.
    case bytes(ArraySlice<UInt8>)
    case list([PickleValue])
    case tuple([PickleValue])
    /// The entries in the order they were set; a key that was set twice occurs twice.
    case dictionary([PickleEntry])
    case set([PickleValue])
    /// A class or function by its name.
    case global(PickleGlobal)
    /// The result that a call of a class or function would have had.
    case object(PickleObject)
    /// Data outside the pickle, by persistent ID (PyTorch's storages).
    case persistent(PickleValue)
    /// A part that is left out, with the reason; only if any class may be named.
    case opaque(String)
}

/// A key and its value.
package struct PickleEntry: Equatable, Sendable {
    package var key: PickleValue
    package var value: PickleValue
}

/// The name of a Python class or function.
package struct PickleGlobal: Hashable, Sendable, CustomStringConvertible {
    package var module: String
    package var name: String

    package init(_ module: String, _ name: String) {
        self.module = module
        self.name = name
    }

    package var description: String { "\(module).\(name)" }
}

/// The value of a pickle, and where the pickle ends.
package struct PickleContent: Equatable, Sendable {
    /// The value that the pickle describes.
    package var value: PickleValue
    /// The number of bytes up to its end.
    package var byteCount: Int
    /// All persistent IDs in the pickle, which name data outside it.
    package var persistent: [PickleValue]
}

/// An object as its pickle describes it: the callable, its arguments, and the state, items and
/// entries that were set afterwards.
package struct PickleObject: Equatable, Sendable {
    package var constructor: PickleGlobal
    package var arguments: [PickleValue]
    /// The argument that `__setstate__` would have got.
    package var state: PickleValue?
    /// The items that were appended as to a list, or added as to a set.
    package var items: [PickleValue]
    /// The entries that were set as in a dictionary, such as the items of a
    /// `collections.OrderedDict`.
    package var entries: [PickleEntry]

    /// An object that was created with `arguments`, and not changed afterwards.
    package init(constructor: PickleGlobal, arguments: [PickleValue]) {
        self.init(constructor: constructor, arguments: arguments, state: nil, items: [], entries: [])
    }

    init(
        constructor: PickleGlobal, arguments: [PickleValue], state: PickleValue?, items: [PickleValue],
        entries: [PickleEntry]
    ) {
        self.constructor = constructor
        self.arguments = arguments
        self.state = state
        self.items = items
        self.entries = entries
    }
}

extension PickleValue {
    /// A text, or Python 2's string if it is UTF-8; else `nil`.
    package var string: String? {
        switch self {
        case .text(let text): text
        case .bytes(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    package var integer: Int? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// The elements of a list or tuple.
    package var elements: [PickleValue]? {
        switch self {
        case .list(let elements), .tuple(let elements): elements
        default: nil
        }
    }

    /// The entries of a dictionary, or of an object that was filled like one.
    package var entries: [PickleEntry]? {
        switch self {
        case .dictionary(let entries): entries
        case .object(let object) where !object.entries.isEmpty: object.entries
        default: nil
        }
    }

    /// The value of a key that is a string, of Python 2 or 3; the last one if it was set twice.
    package subscript(key: String) -> PickleValue? {
        entries?.last { $0.key.string == key }?.value
    }
}
