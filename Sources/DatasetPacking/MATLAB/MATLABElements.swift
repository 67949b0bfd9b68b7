internal import Datasets

/// The data elements in a part of a MATLAB 5 file, one after the other.
struct MATLABElements {
    /// The types of data elements (the format's table 1-1).
    enum DataType: UInt32 {
        case int8 = 1
        case uint8, int16, uint16, int32, uint32, single
        case double = 9
        case int64 = 12
        case uint64, matrix, compressed
        case utf8, utf16, utf32

        var byteCount: Int {
            switch self {
            case .int8, .uint8, .utf8, .matrix, .compressed: 1
            case .int16, .uint16, .utf16: 2
            case .int32, .uint32, .single, .utf32: 4
            case .double, .int64, .uint64: 8
            }
        }
    }

    struct Element {
        var type: DataType
        var bytes: ArraySlice<UInt8>
        /// The element's offset in the file, or that of the compressed element that contains it.
        var offset: Int
    }

    let path: String
    let isBigEndian: Bool
    private let bytes: ArraySlice<UInt8>
    private var position: Int
    private let compressedOffset: Int?

    /// - Parameter offset: The offset of the compressed element whose content is `bytes`; `nil` if
    ///   they lie in the file itself.
    init(_ bytes: ArraySlice<UInt8>, path: String, isBigEndian: Bool, offset: Int? = nil) {
        self.bytes = bytes
        self.path = path
        self.isBigEndian = isBigEndian
        position = bytes.startIndex
        compressedOffset = offset
    }

    /// The elements inside an element.
    func inside(_ element: Element) -> MATLABElements {
        MATLABElements(element.bytes, path: path, isBigEndian: isBigEndian, offset: compressedOffset)
    }

    /// The next element; `nil` at the end.
    mutating func next() throws(DatasetError) -> Element? {
        guard position < bytes.endIndex else { return nil }
        let offset = compressedOffset ?? position
        guard bytes.endIndex - position >= 8 else { throw failure(offset, "it is cut off") }
        let tag = number(at: position, byteCount: 4)
        // A small element has its length in the upper half of its type field, and its bytes in the
        // length field.
        let isSmall = tag >> 16 != 0
        let length = isSmall ? Int(tag >> 16) : Int(number(at: position + 4, byteCount: 4))
        guard let type = DataType(rawValue: UInt32(tag & (isSmall ? 0xFFFF : 0xFFFF_FFFF))) else {
            throw failure(offset, "\(tag) is not a data type")
        }
        let start = position + (isSmall ? 4 : 8)
        guard length <= (isSmall ? 4 : bytes.endIndex - start) else {
            throw failure(offset, "\(length) bytes are announced, \(bytes.endIndex - start) are left")
        }
        // Elements are padded to 8 bytes, compressed ones are not.
        let padded = type == .compressed ? length : (length + 7) & ~7
        position = isSmall ? position + 8 : min(start + padded, bytes.endIndex)
        return Element(type: type, bytes: bytes[start..<start + length], offset: offset)
    }

    /// The next element; throws if there is none.
    mutating func require(_ what: String) throws(DatasetError) -> Element {
        guard let element = try next() else {
            throw failure(compressedOffset ?? position, "\(what) is missing")
        }
        return element
    }

    func failure(_ offset: Int, _ reason: String) -> DatasetError {
        DatasetError(action: "read MATLAB file", place: "\(path), at byte \(offset)", reason: reason)
    }

    /// The numbers of an element of a numeric type.
    func numbers(_ element: Element) -> [Double] {
        let size = element.type.byteCount
        return stride(from: element.bytes.startIndex, to: element.bytes.endIndex - size + 1, by: size).map {
            start in
            let value = MATLABElements(element.bytes, path: path, isBigEndian: isBigEndian).number(
                at: start, byteCount: size)
            switch element.type {
            case .int8: return Double(Int8(truncatingIfNeeded: value))
            case .int16: return Double(Int16(truncatingIfNeeded: value))
            case .int32: return Double(Int32(truncatingIfNeeded: value))
            case .int64: return Double(Int64(bitPattern: value))
            case .single: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: value)))
            case .double: return Double(bitPattern: value)
            default: return Double(value)
            }
        }
    }

    /// The numbers of an element, with −1 for each that is not an integer.
    func integers(_ element: Element) -> [Int] { numbers(element).map { Int(exactly: $0) ?? -1 } }

    private func number(at start: Int, byteCount: Int) -> UInt64 {
        var value = UInt64(0)
        for index in 0..<byteCount {
            value = value << 8 | UInt64(bytes[start + (isBigEndian ? index : byteCount - 1 - index)])
        }
        return value
    }
}
