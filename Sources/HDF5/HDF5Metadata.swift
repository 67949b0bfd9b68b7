/// The objects of an HDF5 file, read without the C library, which trusts its input: a few wrong
/// bits can crash it (1.10.8).
///
/// It supports the part of the format (HDF5 File Format Specification 3.0) that `HDF5File` writes:
/// superblock version 0, groups as symbol tables, object headers of version 1, contiguous datasets
/// of numbers and fixed-length strings, attributes of one number or one string. Everything else is
/// an error. Addresses and lengths are compared with the file's size before they are used, and no
/// block is read twice, so that a cycle of blocks ends.
package struct HDF5Metadata: Sendable {
    /// A group, or a dataset.
    struct Object: Sendable {
        /// The names in the group, sorted; `nil` for a dataset.
        var members: [String]?
        var dataset: Dataset?
        var attributes: [String: Attribute] = [:]
    }

    /// The content of a dataset's header.
    struct Dataset: Sendable {
        /// The lengths of the axes, outermost first.
        var shape: [Int]
        var type: DataType
        /// The file offset of the first byte; `nil` if the dataset has no bytes or is not
        /// contiguous.
        var offset: Int?
    }

    /// The supported types of elements.
    enum DataType: Equatable, Sendable {
        case number(HDF5ElementType)
        case text(byteCount: Int)
        /// Variable-length strings, which lie in a global heap; only in attributes.
        case variableText
        case other
    }

    /// The value of an attribute.
    enum Attribute: Sendable {
        case number(HDF5ElementType, [UInt8])
        case text(String)
        case other
    }

    /// The file's path, for errors.
    package let path: String
    /// The objects by path, without the leading slash; the root's path is empty.
    let objects: [String: Object]

    /// Reads the headers of all objects.
    ///
    /// - Parameters:
    ///   - byteCount: The file's length.
    ///   - read: Returns `count` bytes from `offset` on; never called for bytes past the end.
    /// - Throws: An `HDF5Error` if the file is not as `HDF5File` writes it; the errors of `read`.
    package init(
        path: String, byteCount: Int, read: (_ offset: Int, _ count: Int) throws -> [UInt8]
    ) throws {
        self.path = path
        objects = try withoutActuallyEscaping(read) { read in
            var reader = MetadataReader(path: path, byteCount: byteCount, read: read)
            return try reader.objects()
        }
    }
}

// MARK: - Objects

extension HDF5Metadata {
    /// Whether there is a group or dataset at `object`.
    package func contains(_ object: String) -> Bool { objects[key(object)] != nil }

    /// The names of the datasets and groups directly in `group`, sorted.
    package func memberNames(of group: String = "/") throws(HDF5Error) -> [String] {
        guard let members = objects[key(group)]?.members else {
            throw error("list group", group, "there is no such group")
        }
        return members
    }

    /// The lengths of a dataset's axes, outermost first; empty for a single value.
    package func shape(of dataset: String) throws(HDF5Error) -> [Int] {
        try find(dataset, to: "read shape of").shape
    }

    /// The type of a dataset's elements; `nil` for strings and other types that this module does
    /// not read.
    package func elementType(of dataset: String) throws(HDF5Error) -> HDF5ElementType? {
        guard case .number(let type) = try find(dataset, to: "read type of").type else { return nil }
        return type
    }

    /// The bytes per string of a fixed-length string dataset; `nil` for every other dataset.
    package func fixedStringByteCount(of dataset: String) throws(HDF5Error) -> Int? {
        guard case .text(let byteCount) = try find(dataset, to: "read type of").type else { return nil }
        return byteCount
    }

    /// The file offset of a dataset's first byte; the whole dataset lies inside the file.
    ///
    /// - Throws: Also if the dataset is not contiguous, or has no bytes.
    package func contiguousOffset(of dataset: String) throws(HDF5Error) -> Int {
        guard let offset = try find(dataset, to: "locate").offset else {
            throw error("locate", dataset, "it is not contiguous in the file, or has no bytes")
        }
        return offset
    }

    private func find(_ dataset: String, to action: String) throws(HDF5Error) -> Dataset {
        guard let found = objects[key(dataset)]?.dataset else {
            throw error(action, dataset, "there is no such dataset")
        }
        return found
    }

    private func key(_ object: String) -> String {
        object.split(separator: "/").joined(separator: "/")
    }

    private func error(_ action: String, _ object: String, _ reason: String) -> HDF5Error {
        HDF5Error(action: action, file: path, object: object, reason: reason)
    }
}

// MARK: - Attributes

extension HDF5Metadata {
    /// Whether `object` has an attribute of this name.
    package func hasAttribute(_ name: String, on object: String = "/") -> Bool {
        objects[key(object)]?.attributes[name] != nil
    }

    /// A number attribute of `object`; its type must be `Element`.
    package func attribute<Element: HDF5Element>(
        _ name: String, as elementType: Element.Type = Element.self, on object: String = "/"
    ) throws(HDF5Error) -> Element {
        guard case .number(let type, let bytes) = try find(name, on: object), type == Element.elementType
        else {
            throw error(
                "read attribute", "\(object)@\(name)", "it is not a single \(Element.elementType.rawValue)")
        }
        return unsafe bytes.withUnsafeBytes { unsafe $0.loadUnaligned(as: Element.self) }
    }

    /// A string attribute of `object`, of fixed or variable length.
    package func stringAttribute(_ name: String, on object: String = "/") throws(HDF5Error) -> String {
        guard case .text(let text) = try find(name, on: object) else {
            throw error("read attribute", "\(object)@\(name)", "it is not a single string")
        }
        return text
    }

    private func find(_ name: String, on object: String) throws(HDF5Error) -> Attribute {
        guard let found = objects[key(object)]?.attributes[name] else {
            throw error("read attribute", "\(object)@\(name)", "there is no such attribute")
        }
        return found
    }
}
