internal import CHDF5

extension HDF5File {
    /// Writes a new dataset of UTF-8 strings, shape `[n]`, each padded with zero bytes to the
    /// longest one's length.
    ///
    /// - Throws: Also if a string holds a zero byte, which would be lost.
    package func write(_ strings: [String], to dataset: String) throws(HDF5Error) {
        try write(strings.map { Array($0.utf8) }, to: dataset)
    }

    /// Writes a new dataset of strings that may not be UTF-8, such as file names, in the same form.
    ///
    /// - Throws: Also if a string holds a zero byte, which would be lost.
    package func write(_ strings: [[UInt8]], to dataset: String) throws(HDF5Error) {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("write", dataset)
        let length = max(1, strings.map(\.count).max() ?? 1)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length * strings.count)
        for (index, string) in strings.enumerated() {
            guard !string.contains(0) else { throw operation.error("string \(index) holds a zero byte") }
            bytes.append(contentsOf: string)
            bytes.append(contentsOf: repeatElement(0, count: (index + 1) * length - bytes.count))
        }
        let type = try stringType(length: length, operation)
        let space = try simpleSpace([strings.count], operation)
        let open = try createDataset(dataset, type: type.identifier, space: space, operation)
        guard !strings.isEmpty else { return }
        try operation.check(
            "H5Dwrite", unsafe H5Dwrite(open.identifier, type.identifier, 0, 0, 0, bytes))
    }

    /// Reads a dataset of strings, of fixed or variable length, in row-major order.
    package func readStrings(_ dataset: String) throws(HDF5Error) -> [String] {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("read", dataset)
        let open = try openDataset(dataset, operation)
        let count = try shape(of: open, operation).reduce(1, *)
        let type = Handle(try operation.check("H5Dget_type", H5Dget_type(open.identifier)), H5Tclose)
        let space = Handle(try operation.check("H5Dget_space", H5Dget_space(open.identifier)), H5Sclose)
        return try unsafe readStrings(count, type: type, space: space, operation, call: "H5Dread") {
            memory, buffer in
            unsafe H5Dread(open.identifier, memory, 0, 0, 0, buffer)
        }
    }

    /// The bytes per string of a fixed-length string dataset; `nil` for every other dataset.
    package func fixedStringByteCount(of dataset: String) throws(HDF5Error) -> Int? {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("read type of", dataset)
        let open = try openDataset(dataset, operation)
        let type = Handle(try operation.check("H5Dget_type", H5Dget_type(open.identifier)), H5Tclose)
        guard H5Tget_class(type.identifier) == H5T_STRING, H5Tis_variable_str(type.identifier) == 0 else {
            return nil
        }
        return H5Tget_size(type.identifier)
    }

    /// Reads strings of fixed or variable length through `read`, which fills a buffer in the C
    /// library's layout.
    func readStrings(
        _ count: Int, type: borrowing Handle, space: borrowing Handle, _ operation: Operation, call: String,
        read: (_ memoryType: hid_t, _ buffer: UnsafeMutableRawPointer?) -> herr_t
    ) throws(HDF5Error) -> [String] {
        guard H5Tget_class(type.identifier) == H5T_STRING else {
            throw operation.error("its elements are not strings")
        }
        guard count > 0 else { return [] }
        guard H5Tis_variable_str(type.identifier) == 0 else {
            let memory = try stringType(
                length: CHDF5_VARIABLE(), characters: H5Tget_cset(type.identifier), operation)
            var pointers = unsafe [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
            try operation.check(call, unsafe read(memory.identifier, &pointers))
            let strings = unsafe pointers.map { pointer in
                unsafe pointer.map { unsafe String(cString: $0) } ?? ""
            }
            _ = unsafe H5Dvlen_reclaim(memory.identifier, space.identifier, 0, &pointers)
            return strings
        }
        let length = H5Tget_size(type.identifier)
        let memory = try stringType(length: length, characters: H5Tget_cset(type.identifier), operation)
        let (byteCount, overflows) = count.multipliedReportingOverflow(by: length)
        guard !overflows else { throw operation.error("\(count) strings of \(length) bytes are too many") }
        var bytes = [UInt8](repeating: 0, count: byteCount)
        try operation.check(call, unsafe read(memory.identifier, &bytes))
        return (0..<count).map { index in
            String(decoding: bytes[index * length..<(index + 1) * length].prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}

/// The type of zero-padded strings. To read, `characters` must be the file's character set, because
/// the library does not convert between them.
func stringType(
    length: Int, characters: H5T_cset_t = H5T_CSET_UTF8, _ operation: Operation
) throws(HDF5Error) -> Handle {
    let type = Handle(try operation.check("H5Tcopy", H5Tcopy(CHDF5_C_STRING())), H5Tclose)
    try operation.check("H5Tset_size", H5Tset_size(type.identifier, length))
    try operation.check("H5Tset_strpad", H5Tset_strpad(type.identifier, H5T_STR_NULLPAD))
    try operation.check("H5Tset_cset", H5Tset_cset(type.identifier, characters))
    return type
}
