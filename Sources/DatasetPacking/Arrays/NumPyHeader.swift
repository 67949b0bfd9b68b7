internal import Datasets

/// The header of an .npy file: NumPy's format, versions 1 to 3 (NEP 1).
struct NumPyHeader: Equatable {
    /// The largest size of a header; NumPy itself stops at 10,000 bytes.
    static let largestByteCount = 1 << 16

    /// The kind and size of an element in NumPy's notation: `u1`, `i8`, `f4`, …
    let elementType: String
    let isBigEndian: Bool
    /// Whether the array is column-major (Fortran order).
    let isColumnMajor: Bool
    let shape: [Int]
    /// The size of the header: the offset of the first element.
    let byteCount: Int
    /// The size of all elements together.
    let contentByteCount: Int

    /// - Parameter bytes: The file's first `largestByteCount` bytes, or all if there are fewer.
    init(_ bytes: [UInt8], place: String) throws(DatasetError) {
        let failure = { (reason: String) in
            DatasetError(action: "read NumPy file", place: place, reason: reason)
        }
        guard bytes.count >= 12, FileKind(bytes) == .npy else {
            throw failure("it does not start with the signature of an .npy file")
        }
        guard (1...3).contains(bytes[6]) else { throw failure("its version is \(bytes[6]), expected 1 to 3") }
        let lengthByteCount = bytes[6] == 1 ? 2 : 4
        let length = bytes[8..<8 + lengthByteCount].reversed().reduce(0) { $0 << 8 | Int($1) }
        byteCount = 8 + lengthByteCount + length
        guard byteCount <= bytes.count else {
            throw failure(
                "its header has \(length) bytes, of which \(bytes.count - 8 - lengthByteCount) are there")
        }
        var dictionary = PythonDictionary(bytes[8 + lengthByteCount..<byteCount])
        guard let entries = dictionary.entries(), case .flag(let isColumnMajor) = entries["fortran_order"],
            case .numbers(let shape) = entries["shape"], let type = entries["descr"]
        else { throw failure("its header is not a dictionary of 'descr', 'fortran_order' and 'shape'") }
        guard case .text(let text) = type else { throw failure("its elements are records of several fields") }
        guard !text.contains("O") else {
            throw failure("its elements are Python objects, which are not read")
        }
        guard let order = text.first, "<>|=".contains(order), let kind = text.dropFirst().first,
            let size = Int(text.dropFirst(2)), "biufcSUVmM".contains(kind), (1...1 << 20).contains(size)
        else { throw failure("its element type '\(text.prefix(20))' is not supported") }
        elementType = String(text.dropFirst())
        isBigEndian = order == ">"
        self.isColumnMajor = isColumnMajor
        self.shape = shape
        guard let count = product(shape + [kind == "U" ? 4 * size : size]) else {
            throw failure("its shape \(shape) is larger than any memory")
        }
        contentByteCount = count
    }

    var elementByteCount: Int { Int(elementType.dropFirst()) ?? 1 }

    /// The type's name in NumPy: `float32` for `f4`.
    var typeName: String {
        let bits = elementByteCount * 8
        return switch elementType.first {
        case "u": "uint\(bits)"
        case "i": "int\(bits)"
        case "f": "float\(bits)"
        case "c": "complex\(bits)"
        case "b": "bool"
        default: "'\(elementType)'"
        }
    }
}

/// The product of the axis lengths; `nil` beyond 2⁴⁸ or if one is negative.
private func product(_ lengths: [Int]) -> Int? {
    var count = 1
    for length in lengths {
        let (next, overflows) = count.multipliedReportingOverflow(by: length)
        if length < 0 || overflows || next > 1 << 48 { return nil }
        count = next
    }
    return count
}

/// A parser of a Python dictionary literal, for the few kinds of value that a header has.
private struct PythonDictionary {
    enum Value {
        case text(String)
        case flag(Bool)
        case numbers([Int])
        /// A list, whose elements are not parsed.
        case list
    }

    private var rest: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) { rest = text }

    /// Parses the dictionary; `nil` for any other text.
    mutating func entries() -> [String: Value]? {
        guard take("{") else { return nil }
        var entries: [String: Value] = [:]
        while !take("}") {
            guard let key = string(), take(":"), let value = value() else { return nil }
            entries[key] = value
            // The text after a list is not parsed: a list is refused anyway.
            if case .list = value {
                return entries.merging(["fortran_order": .flag(false), "shape": .numbers([])]) { old, _ in old
                }
            }
            guard take(",") || rest.first == UInt8(ascii: "}") else { return nil }
        }
        return entries
    }

    private mutating func value() -> Value? {
        skipBlanks()
        switch rest.first {
        case UInt8(ascii: "'"), UInt8(ascii: "\""): return string().map { .text($0) }
        case UInt8(ascii: "["): return .list
        case UInt8(ascii: "("): return numbers().map { .numbers($0) }
        default: return take("True") ? .flag(true) : take("False") ? .flag(false) : nil
        }
    }

    private mutating func string() -> String? {
        skipBlanks()
        guard let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
            return nil
        }
        rest = rest.dropFirst()
        guard let end = rest.firstIndex(of: quote) else { return nil }
        defer { rest = rest[(end + 1)...] }
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    private mutating func numbers() -> [Int]? {
        guard take("(") else { return nil }
        var numbers: [Int] = []
        while !take(")") {
            skipBlanks()
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            guard numbers.count < 32, let number = Int(String(decoding: digits, as: UTF8.self)) else {
                return nil
            }
            numbers.append(number)
            rest = rest.dropFirst(digits.count)
            // Python 2 writes long integers with this suffix.
            _ = take("L")
            guard take(",") || rest.first == UInt8(ascii: ")") else { return nil }
        }
        return numbers
    }

    /// Skips blanks, and `text` with the blanks after it if it comes next; returns whether it does.
    private mutating func take(_ text: String) -> Bool {
        skipBlanks()
        guard rest.starts(with: text.utf8) else { return false }
        rest = rest.dropFirst(text.utf8.count)
        skipBlanks()
        return true
    }

    private mutating func skipBlanks() {
        rest = rest.drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }
    }
}
