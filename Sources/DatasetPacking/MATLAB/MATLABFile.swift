internal import CZlib
internal import Datasets

/// The variables of a MATLAB 5 file (`.mat` of versions 5 to 7), compressed or not.
///
/// MathWorks: "MAT-File Format", level 5. Numbers, texts, cells and structs are read; objects,
/// sparse and complex arrays are refused. Version 7.3 is HDF5 and is refused, with a remedy.
struct MATLABFile {
    private let bytes: [UInt8]
    private let path: String
    private let isBigEndian: Bool

    init(_ path: String) throws(DatasetError) {
        try self.init(try ReadableFile.contents(of: path), path: path)
    }

    /// - Parameter path: For errors.
    init(_ bytes: [UInt8], path: String) throws(DatasetError) {
        self.bytes = bytes
        self.path = path
        let mark = bytes.count >= 128 ? bytes[126..<128] : []
        guard mark.elementsEqual("IM".utf8) || mark.elementsEqual("MI".utf8) else {
            throw DatasetError(
                action: "read MATLAB file", place: path, reason: "it is not a MATLAB 5 file",
                remedy: "save it from MATLAB with '-v7', from SciPy with savemat")
        }
        isBigEndian = mark.first == UInt8(ascii: "M")
        let version = bytes[isBigEndian ? 124 : 125]
        guard version == 1 else {
            throw DatasetError(
                action: "read MATLAB file", place: path,
                reason: version == 2
                    ? "it is of version 7.3 (HDF5), expected 5 to 7"
                    : "its version is \(version), expected 1",
                remedy: "save it from MATLAB with '-v7', from SciPy with savemat")
        }
    }

    /// Reads the variables with the given names; others are skipped.
    func variables(_ names: Set<String>) throws(DatasetError) -> [String: MATLABValue] {
        var variables: [String: MATLABValue] = [:]
        var elements = MATLABElements(bytes[128...], path: path, isBigEndian: isBigEndian)
        while let element = try elements.next() {
            if let name = compressedName(element), !names.contains(name) { continue }
            let matrix = element.type == .compressed ? try inflated(element) : element
            guard matrix.type == .matrix else { continue }
            if let (name, value) = try MATLABMatrix(matrix, in: elements, only: names).variable {
                variables[name] = value
            }
        }
        return variables
    }

    /// The name of a compressed variable, from its first 4,096 bytes; `nil` if they do not contain
    /// it.
    private func compressedName(_ element: MATLABElements.Element) -> String? {
        guard element.type == .compressed else { return nil }
        let head = inflate(element.bytes, count: 4096).bytes
        guard head.count > 8 else { return nil }
        var parts = MATLABElements(head[8...], path: path, isBigEndian: isBigEndian, offset: element.offset)
        guard (try? parts.next()) != nil, (try? parts.next()) != nil, let name = (try? parts.next()) ?? nil
        else { return nil }
        return String(decoding: name.bytes, as: UTF8.self)
    }

    private func inflated(_ element: MATLABElements.Element) throws(DatasetError) -> MATLABElements.Element {
        let failure = { (reason: String) in
            DatasetError(
                action: "read MATLAB file", place: "\(path), at byte \(element.offset)", reason: reason)
        }
        // The first bytes hold the size; zlib expands one byte to at most 1,032.
        let head = inflate(element.bytes, count: 8)
        guard head.bytes.count == 8 else { throw failure("its compressed data are damaged") }
        let count = (4..<8).reduce(0) { $0 << 8 | Int(head.bytes[isBigEndian ? $1 : 11 - $1]) } + 8
        guard count <= element.bytes.count * 1032 + 64 else {
            throw failure("\(element.bytes.count) compressed bytes cannot hold \(count)")
        }
        // Data that compress this well are not images, and would fill the memory.
        guard count <= 1 << 28 || count / 64 <= element.bytes.count else {
            throw failure(
                "\(element.bytes.count) compressed bytes claim to hold \(count), too many for images")
        }
        let (inflated, isWhole) = inflate(element.bytes, count: count)
        guard isWhole, inflated.count == count else {
            throw failure("its compressed data are damaged or cut off")
        }
        var inner = MATLABElements(
            inflated[...], path: path, isBigEndian: isBigEndian, offset: element.offset)
        guard let matrix = try inner.next() else { throw failure("its compressed data are empty") }
        return matrix
    }
}

/// Decompresses a zlib stream, or the start of it.
///
/// - Returns: At most `count` bytes, and whether they are the whole stream.
private func inflate(_ bytes: ArraySlice<UInt8>, count: Int) -> (bytes: [UInt8], isWhole: Bool) {
    var status = Z_OK
    let inflated = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
        var length = uLongf(count)
        status = unsafe bytes.withUnsafeBufferPointer { source in
            unsafe uncompress(target.baseAddress, &length, source.baseAddress, uLong(source.count))
        }
        // zlib fills a buffer that is too short, and returns `Z_BUF_ERROR`.
        initialized = status == Z_OK || status == Z_BUF_ERROR ? Int(length) : 0
    }
    return (inflated, status == Z_OK)
}
