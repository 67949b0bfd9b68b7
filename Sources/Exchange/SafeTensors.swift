internal import Foundation

/// A safetensors file: the length of a header in eight bytes, the header in JSON, the tensors'
/// bytes.
///
/// Format: huggingface/safetensors, README ("Format"), with its rules: offsets are relative to the
/// end of the header, cover the rest of the file without holes and do not overlap; the header is at
/// most 100 MB.
enum SafeTensors {
    static let headerLimit = 100_000_000

    static let types: [String: StoredTensor.ElementType] = [
        "F64": .float64, "F32": .float32, "F16": .float16, "BF16": .bfloat16, "I64": .int64, "I32": .int32,
        "I16": .int16, "I8": .int8, "U8": .uint8, "BOOL": .bool,
    ]

    /// Whether a file begins like safetensors: a valid header length, then a JSON object.
    static func isPlausible(_ bytes: [UInt8]) -> Bool {
        guard bytes.count > 9, bytes[8] == UInt8(ascii: "{") else { return false }
        var reader = ByteReader(bytes[...], what: "the header")
        guard let length = try? reader.size() else { return false }
        return length <= headerLimit
    }

    static func tensors(_ bytes: [UInt8]) throws(FormatError) -> [NamedTensor] {
        var reader = ByteReader(bytes[...], what: "the header")
        let length = try reader.size()
        guard length <= headerLimit else {
            throw FormatError("announces a header of \(length) bytes, expected at most \(headerLimit)")
        }
        let header = try decode(try reader.take(length))
        let content = bytes[reader.position...]
        let sorted = header.sorted {
            ($0.entry.start, $0.entry.end, $0.name) < ($1.entry.start, $1.entry.end, $1.name)
        }
        var position = 0
        var tensors: [NamedTensor] = []
        for (name, entry) in sorted {
            guard entry.start == position, entry.end >= entry.start, entry.end <= content.count else {
                throw FormatError(
                    """
                    tensor '\(shown(name))' lies at bytes \(entry.start) to \(entry.end) of \(content.count), expected from \
                    \(position): tensors overlap, leave holes or the file is cut off
                    """)
            }
            position = entry.end
            tensors.append(
                NamedTensor(name: name, tensor: try tensor(entry, name, content)))
        }
        guard position == content.count else {
            throw FormatError("\(content.count - position) bytes belong to no tensor")
        }
        return tensors
    }

    private static func tensor(
        _ entry: Entry, _ name: String, _ content: ArraySlice<UInt8>
    ) throws(FormatError) -> StoredTensor {
        guard let type = types[entry.dtype] else {
            throw FormatError(
                """
                tensor '\(shown(name))' is of type \(shown(entry.dtype)), expected one of \
                \(types.keys.sorted().joined(separator: ", "))
                """)
        }
        let tensor = try StoredTensor(
            type, shape: entry.shape, of: content.dropFirst(entry.start).prefix(entry.end - entry.start),
            name: name)
        guard tensor.count * type.byteCount == entry.end - entry.start else {
            throw FormatError(
                "tensor '\(shown(name))' of shape \(entry.shape) has \(entry.end - entry.start) bytes")
        }
        return tensor
    }
}

// MARK: - Header

extension SafeTensors {
    struct Entry: Codable, Sendable {
        var dtype: String
        var shape: [Int]
        var offsets: [Int]

        var start: Int { offsets[0] }
        var end: Int { offsets[1] }

        private enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    private static func decode(
        _ bytes: ArraySlice<UInt8>
    ) throws(FormatError) -> [(name: String, entry: Entry)] {
        let header: Header
        do {
            header = try JSONDecoder().decode(Header.self, from: Data(bytes))
        } catch {
            throw FormatError(
                "its header is not a JSON object of tensors with dtype, shape and data_offsets: the file is damaged"
            )
        }
        for (name, entry) in header.entries
        where entry.offsets.count != 2 || entry.offsets.contains(where: { $0 < 0 }) {
            throw FormatError(
                "tensor '\(shown(name))' has data_offsets \(entry.offsets.prefix(4)), expected two sizes"
            )
        }
        return header.entries
    }

    private struct Header: Decodable {
        var entries: [(name: String, entry: Entry)] = []

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Name.self)
            for key in container.allKeys where key.stringValue != "__metadata__" {
                entries.append((key.stringValue, try container.decode(Entry.self, forKey: key)))
            }
        }
    }

    struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
