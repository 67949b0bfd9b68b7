internal import Datasets

/// One matrix element of a MATLAB 5 file: a variable, a cell, or a field of a struct.
struct MATLABMatrix {
    /// The classes of arrays (the format's table 1-3).
    private enum Kind: UInt8 {
        case cell = 1
        case structure, object, character, sparse, double, single, int8, uint8, int16, uint16, int32, uint32
        case int64, uint64
    }

    /// The largest nesting depth; MATLAB's own files nest a few levels.
    private static let largestDepth = 16
    /// The largest number of cells, or of fields over all structs, in one array: each takes a
    /// hundred bytes of memory, but eight in a file, or practically none if compressed.
    private static let largestValueCount = 1 << 20

    /// The matrix with its name; `nil` if its name was not requested.
    let variable: (name: String, value: MATLABValue)?

    /// - Parameter names: The variables to read; all if `nil`.
    init(
        _ element: MATLABElements.Element, in file: MATLABElements, only names: Set<String>?, depth: Int = 0
    ) throws(DatasetError) {
        var parts = file.inside(element)
        let failure = { (reason: String) in file.failure(element.offset, reason) }
        guard depth <= Self.largestDepth else {
            throw failure("its arrays are nested more than \(Self.largestDepth) deep")
        }
        if element.bytes.isEmpty {
            // An empty cell or field.
            variable = ("", .numbers(shape: [0, 0], []))
            return
        }
        let flags = file.integers(try parts.require("the array's flags")).first ?? 0
        let shape = file.integers(try parts.require("the array's shape"))
        let name = String(decoding: try parts.require("the array's name").bytes, as: UTF8.self)
        guard names?.contains(name) ?? true else {
            variable = nil
            return
        }
        guard let kind = Kind(rawValue: UInt8(flags & 0xFF)), kind != .object, kind != .sparse,
            flags & 0x0800 == 0
        else {
            throw failure("'\(name)' is an object, or a sparse or complex array, which are not supported")
        }
        var count = 1
        for length in shape {
            let (product, overflows) = count.multipliedReportingOverflow(by: length)
            guard length >= 0, !overflows else { throw failure("'\(name)' has the shape \(shape)") }
            count = product
        }
        let value: MATLABValue
        if kind == .cell || kind == .structure, count > Self.largestValueCount {
            throw failure("'\(name)' has \(count) elements, expected at most \(Self.largestValueCount)")
        }
        switch kind {
        case .cell: value = .cells(try Self.values(count, &parts, file, depth))
        case .structure: value = .structures(try Self.structures(count, &parts, file, depth, element.offset))
        default:
            let data = try parts.require("the data of '\(name)'")
            let (byteCount, overflows) = count.multipliedReportingOverflow(by: data.type.byteCount)
            guard data.type != .matrix, data.type != .compressed,
                kind == .character || (!overflows && data.bytes.count == byteCount)
            else {
                throw failure(
                    "'\(name)' has the shape \(shape) and \(data.bytes.count) bytes of \(data.type)")
            }
            if kind == .character {
                let isUTF8 = data.type == .utf8 || data.type == .int8 || data.type == .uint8
                let codes = isUTF8 ? [] : file.integers(data).map { UInt16(clamping: $0) }
                value = .text(
                    isUTF8
                        ? String(decoding: data.bytes, as: UTF8.self)
                        : String(decoding: codes, as: UTF16.self))
            } else if data.type == .uint8 {
                value = .bytes(shape: shape, data.bytes)
            } else {
                value = .numbers(shape: shape, file.numbers(data))
            }
        }
        variable = (name, value)
    }

    private static func values(
        _ count: Int, _ parts: inout MATLABElements, _ file: MATLABElements, _ depth: Int
    ) throws(DatasetError) -> [MATLABValue] {
        var values: [MATLABValue] = []
        for _ in 0..<count {
            let part = try parts.require("a cell")
            guard part.type == .matrix else { throw file.failure(part.offset, "a cell is not an array") }
            if let found = try MATLABMatrix(part, in: parts, only: nil, depth: depth + 1).variable {
                values.append(found.value)
            }
        }
        return values
    }

    private static func structures(
        _ count: Int, _ parts: inout MATLABElements, _ file: MATLABElements, _ depth: Int, _ offset: Int
    ) throws(DatasetError) -> [[String: MATLABValue]] {
        let length = file.integers(try parts.require("the length of field names")).first ?? 0
        let bytes = try parts.require("the field names").bytes
        guard length > 0, !bytes.isEmpty else { throw file.failure(offset, "it is a struct without fields") }
        let names = stride(from: bytes.startIndex, to: bytes.endIndex, by: length).map { start in
            String(
                decoding: bytes[start..<min(start + length, bytes.endIndex)].prefix { $0 != 0 }, as: UTF8.self
            )
        }
        guard names.count <= largestValueCount / max(count, 1) else {
            throw file.failure(offset, "it has \(names.count) fields of \(count) structs")
        }
        var structures: [[String: MATLABValue]] = []
        for _ in 0..<count {
            let values = try values(names.count, &parts, file, depth)
            structures.append(Dictionary(zip(names, values), uniquingKeysWith: { first, _ in first }))
        }
        return structures
    }
}
