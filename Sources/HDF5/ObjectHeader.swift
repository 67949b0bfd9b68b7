/// The content of an object header: the messages that this module writes.
struct ObjectHeader {
    private(set) var symbolTable: (tree: Int, heap: Int)?
    private(set) var attributes: [String: HDF5Metadata.Attribute] = [:]
    private var shape: [Int]?
    private var type: (type: HDF5Metadata.DataType, byteCount: Int)?
    private var layout: (offset: Int, byteCount: Int)?
    private var isContiguous = false

    /// - Parameter text: Returns the string that a variable-length value points at.
    mutating func take(_ message: HeaderMessage, text: (MetadataBlock) throws -> String) throws {
        let block = message.block
        let known: Set = [0x01, 0x03, 0x08, 0x0C, 0x11]
        guard !message.isShared || !known.contains(message.type) else {
            throw block.error("a message is shared")
        }
        switch message.type {
        case 0x01: shape = try block.dataspace()
        case 0x03: type = try block.dataType()
        case 0x07, 0x0B: throw block.error("a dataset is filtered, or stored in external files")
        case 0x08: try takeLayout(block)
        case 0x0C:
            let (name, attribute) = try Self.attribute(block, text: text)
            attributes[name] = attribute
        case 0x11: symbolTable = (try block.number(at: 0, 8), try block.number(at: 8, 8))
        default: break
        }
    }

    /// The dataset that the header describes; `nil` if it has no shape or no type.
    ///
    /// - Parameter byteCount: The file's size; all bytes of the dataset must lie inside the file.
    func dataset(in path: String, byteCount: Int) throws(HDF5Error) -> HDF5Metadata.Dataset? {
        guard let shape, let type else { return nil }
        var dataset = HDF5Metadata.Dataset(shape: shape, type: type.type, offset: nil)
        guard isContiguous, let layout else { return dataset }
        let error = { (reason: String) in HDF5Error(action: "open", file: path, reason: reason) }
        guard let needed = product(shape + [type.byteCount]), needed == layout.byteCount else {
            throw error("a dataset of shape \(shape) has \(layout.byteCount) bytes by its header")
        }
        guard layout.byteCount <= byteCount, layout.offset <= byteCount - layout.byteCount else {
            throw error(
                "a dataset's \(layout.byteCount) bytes at \(layout.offset) end after the file's \(byteCount)"
            )
        }
        dataset.offset = layout.offset
        return dataset
    }

    private mutating func takeLayout(_ block: MetadataBlock) throws {
        guard try block.number(at: 0, 1) == 3, try block.number(at: 1, 1) == 1 else { return }
        isContiguous = true
        let byteCount = try block.number(at: 10, 8)
        // A dataset without bytes has no address.
        let isNowhere = try block.part(2, count: 8).bytes.allSatisfy { $0 == 0xFF }
        layout = isNowhere ? nil : (try block.number(at: 2, 8), byteCount)
    }

    // MARK: - Attributes

    /// An attribute message of versions 1 to 3.
    private static func attribute(
        _ block: MetadataBlock, text: (MetadataBlock) throws -> String
    ) throws -> (String, HDF5Metadata.Attribute) {
        let version = try block.number(at: 0, 1)
        guard (1...3).contains(version), try version == 1 || block.number(at: 1, 1) == 0 else {
            throw block.error("an attribute's message is of another kind")
        }
        var position = version == 3 ? 9 : 8
        func next(_ lengthOffset: Int) throws -> MetadataBlock {
            let length = try block.number(at: lengthOffset, 2)
            let part = try block.part(position, count: length)
            position += version == 1 ? (length + 7) & ~7 : length
            return part
        }
        let name = try next(2).name(at: 0)
        let type = try next(4).dataType()
        let isSingle = product(try next(6).dataspace()) == 1
        guard isSingle, type.type != .other else { return (name, .other) }
        let value = try block.part(position, count: type.byteCount)
        switch type.type {
        case .number(let kind): return (name, .number(kind, Array(value.bytes)))
        case .text: return (name, .text(String(decoding: value.bytes.prefix { $0 != 0 }, as: UTF8.self)))
        case .variableText: return (name, .text(try text(value)))
        case .other: return (name, .other)
        }
    }
}

/// The product of `lengths`; `nil` if one is negative or the product overflows.
func product(_ lengths: [Int]) -> Int? {
    var product = 1
    for length in lengths {
        let (next, overflows) = product.multipliedReportingOverflow(by: length)
        guard length >= 0, !overflows else { return nil }
        product = next
    }
    return product
}

// MARK: - Messages

extension MetadataBlock {
    /// The lengths of the axes: a dataspace message of version 1 or 2.
    fileprivate func dataspace() throws(HDF5Error) -> [Int] {
        let (version, rank) = (try number(at: 0, 1), try number(at: 1, 1))
        guard version == 1 || version == 2, rank <= 32 else {
            throw error("a shape's message is of another kind")
        }
        var shape: [Int] = []
        for axis in 0..<rank { shape.append(try number(at: (version == 1 ? 8 : 4) + 8 * axis, 8)) }
        return shape
    }

    /// A datatype message, and the byte count of an element.
    fileprivate func dataType() throws(HDF5Error) -> (type: HDF5Metadata.DataType, byteCount: Int) {
        let byteCount = try number(at: 4, 4)
        switch try (number(at: 0, 1) & 0x0F, number(at: 1, 1) & 0x0F) {
        case (3, _): return (.text(byteCount: byteCount), byteCount)
        case (9, 1) where byteCount == 16: return (.variableText, byteCount)
        default:
            let type = HDF5ElementType.allCases.first { bytes.starts(with: $0.encoding) }
            return (type.map { .number($0) } ?? .other, byteCount)
        }
    }
}

extension HDF5ElementType {
    /// The datatype message of the little-endian type.
    fileprivate var encoding: [UInt8] {
        switch self {
        case .uint8: Self.integer(1, isSigned: false)
        case .int32: Self.integer(4, isSigned: true)
        case .uint32: Self.integer(4, isSigned: false)
        case .int64: Self.integer(8, isSigned: true)
        case .uint64: Self.integer(8, isSigned: false)
        case .float:
            [0x11, 0x20, 0x1F, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]
        case .double:
            [0x11, 0x20, 0x3F, 0, 8, 0, 0, 0, 0, 0, 64, 0, 52, 11, 0, 52, 0xFF, 3, 0, 0]
        }
    }

    private static func integer(_ byteCount: UInt8, isSigned: Bool) -> [UInt8] {
        [0x10, isSigned ? 8 : 0, 0, 0, byteCount, 0, 0, 0, 0, 0, 8 * byteCount, 0]
    }
}
