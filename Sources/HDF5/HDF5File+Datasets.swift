internal import CHDF5

extension HDF5File {
    /// Writes a new contiguous dataset.
    ///
    /// - Parameters:
    ///   - values: All elements, row-major.
    ///   - shape: The lengths of the axes, outermost first; their product is the number of
    ///     elements.
    ///   - dataset: The dataset's path; missing groups on it are created.
    package func write<Element: HDF5Element>(
        _ values: Span<Element>, shape: [Int], to dataset: String
    ) throws(HDF5Error) {
        let count = shape.reduce(1, *)
        precondition(values.count == count, "\(values.count) elements of shape \(shape) for \(dataset)")
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("write", dataset)
        let space = try simpleSpace(shape, operation)
        let type = Element.elementType.native
        let open = try createDataset(dataset, type: type, space: space, operation)
        guard count > 0 else { return }
        let status = unsafe values.withUnsafeBufferPointer {
            unsafe H5Dwrite(open.identifier, type, 0, 0, 0, $0.baseAddress)
        }
        try operation.check("H5Dwrite", status)
    }

    /// As `write(_:shape:to:)`, for an array; with one axis if `shape` is `nil`.
    package func write<Element: HDF5Element>(
        _ values: [Element], shape: [Int]? = nil, to dataset: String
    ) throws(HDF5Error) {
        try write(values.span, shape: shape ?? [values.count], to: dataset)
    }

    /// The lengths of a dataset's axes, outermost first; empty for a single value.
    package func shape(of dataset: String) throws(HDF5Error) -> [Int] {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("read shape of", dataset)
        return try shape(of: try openDataset(dataset, operation), operation)
    }

    /// The type of a dataset's elements; `nil` for strings and other types that this module does
    /// not read.
    package func elementType(of dataset: String) throws(HDF5Error) -> HDF5ElementType? {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("read type of", dataset)
        let open = try openDataset(dataset, operation)
        let type = Handle(try operation.check("H5Dget_type", H5Dget_type(open.identifier)), H5Tclose)
        return HDF5ElementType(type.identifier)
    }

    /// Reads a dataset, or some of its rows, into `values`.
    ///
    /// - Parameters:
    ///   - dataset: Its path; its element type must be that of `values`.
    ///   - rows: Indices of the outermost axis; all if `nil`.
    ///   - values: Overwritten; as many elements as are read.
    /// - Throws: Also if the number of elements or their type differs.
    package func read<Element: HDF5Element>(
        _ dataset: String, rows: Range<Int>? = nil, into values: inout MutableSpan<Element>
    ) throws(HDF5Error) {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("read", dataset)
        let open = try openDataset(dataset, operation)
        try checkType(of: open, is: Element.elementType, operation)
        let shape = try shape(of: open, operation)
        let count = try elementCount(shape, rows: rows, operation)
        guard values.count == count else {
            throw operation.error("holds \(count) elements of shape \(shape), expected \(values.count)")
        }
        guard count > 0 else { return }
        let memory = try simpleSpace([count], operation)
        let selection = Handle(try operation.check("H5Dget_space", H5Dget_space(open.identifier)), H5Sclose)
        if let rows { try select(rows, of: shape, in: selection, operation) }
        let type = Element.elementType.native
        let status = unsafe values.withUnsafeMutableBufferPointer {
            unsafe H5Dread(
                open.identifier, type, memory.identifier, selection.identifier, 0, $0.baseAddress)
        }
        try operation.check("H5Dread", status)
    }

    /// Reads a dataset, or some of its rows, as an array in row-major order.
    package func read<Element: HDF5Element>(
        _ dataset: String, rows: Range<Int>? = nil, as type: Element.Type = Element.self
    ) throws(HDF5Error) -> [Element] {
        let count = try elementCount(try shape(of: dataset), rows: rows, operation("read", dataset))
        var values = [Element](repeating: .zero, count: count)
        var span = values.mutableSpan
        try read(dataset, rows: rows, into: &span)
        return values
    }

    /// The file offset of a contiguous dataset's first byte, to read the dataset without the
    /// library.
    ///
    /// - Throws: Also if the dataset is not contiguous, or has no bytes.
    package func contiguousOffset(of dataset: String) throws(HDF5Error) -> Int {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("locate", dataset)
        // Bound to a name: a temporary handle would be released before its identifier is used.
        let open = try openDataset(dataset, operation)
        let offset = H5Dget_offset(open.identifier)
        guard offset != CHDF5_UNDEFINED_ADDRESS() else {
            throw operation.error("it is not contiguous in the file, or has no bytes")
        }
        guard let offset = Int(exactly: offset) else { throw operation.error("its address is \(offset)") }
        return offset
    }
}
