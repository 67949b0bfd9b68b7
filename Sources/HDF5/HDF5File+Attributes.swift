internal import CHDF5

extension HDF5File {
    /// Adds a number attribute to `object`, by default the root.
    package func setAttribute<Element: HDF5Element>(
        _ name: String, _ value: Element, on object: String = "/"
    ) throws(HDF5Error) {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("write attribute", "\(object)@\(name)")
        let type = Element.elementType.native
        let attribute = try createAttribute(name, type: type, on: object, operation)
        let status = unsafe withUnsafePointer(to: value) { unsafe H5Awrite(attribute.identifier, type, $0) }
        try operation.check("H5Awrite", status)
    }

    /// Adds a UTF-8 string attribute of less than 64 kB to `object`, by default the root.
    package func setAttribute(_ name: String, _ value: String, on object: String = "/") throws(HDF5Error) {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("write attribute", "\(object)@\(name)")
        guard !value.utf8.contains(0) else { throw operation.error("the string holds a zero byte") }
        let type = try stringType(length: CHDF5_VARIABLE(), operation)
        let attribute = try createAttribute(name, type: type.identifier, on: object, operation)
        let status = unsafe value.withCString { text in
            unsafe withUnsafePointer(to: text) {
                unsafe H5Awrite(attribute.identifier, type.identifier, $0)
            }
        }
        try operation.check("H5Awrite", status)
    }

    /// A number attribute of `object`; its type must be `Element`.
    package func attribute<Element: HDF5Element>(
        _ name: String, as elementType: Element.Type = Element.self, on object: String = "/"
    ) throws(HDF5Error) -> Element {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("read attribute", "\(object)@\(name)")
        let attribute = try openAttribute(name, on: object, operation)
        let type = Handle(try operation.check("H5Aget_type", H5Aget_type(attribute.identifier)), H5Tclose)
        let found = HDF5ElementType(type.identifier)
        guard found == Element.elementType, try valueCount(attribute, operation) == 1 else {
            throw operation.error(
                "it is \(found?.rawValue ?? "of another kind"), expected one \(Element.elementType.rawValue)")
        }
        var value = Element.zero
        let status = unsafe withUnsafeMutablePointer(to: &value) {
            unsafe H5Aread(attribute.identifier, Element.elementType.native, $0)
        }
        try operation.check("H5Aread", status)
        return value
    }

    /// A string attribute of `object`, of fixed or variable length.
    package func stringAttribute(_ name: String, on object: String = "/") throws(HDF5Error) -> String {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("read attribute", "\(object)@\(name)")
        let attribute = try openAttribute(name, on: object, operation)
        let type = Handle(try operation.check("H5Aget_type", H5Aget_type(attribute.identifier)), H5Tclose)
        let space = Handle(try operation.check("H5Aget_space", H5Aget_space(attribute.identifier)), H5Sclose)
        guard try valueCount(attribute, operation) == 1 else {
            throw operation.error("it is not a single string")
        }
        let strings = try unsafe readStrings(1, type: type, space: space, operation, call: "H5Aread") {
            memory, buffer in unsafe H5Aread(attribute.identifier, memory, buffer)
        }
        return strings[0]
    }

    /// Whether `object` has an attribute of this name.
    package func hasAttribute(_ name: String, on object: String = "/") -> Bool {
        Library.lock()
        defer { Library.unlock() }
        return unsafe H5Aexists_by_name(handle.identifier, object, name, 0) > 0
    }

    private func createAttribute(
        _ name: String, type: hid_t, on object: String, _ operation: Operation
    ) throws(HDF5Error) -> Handle {
        let open = try openObject(object, operation)
        let space = try simpleSpace([], operation)
        return Handle(
            try operation.check(
                "H5Acreate2", unsafe H5Acreate2(open.identifier, name, type, space.identifier, 0, 0)),
            H5Aclose)
    }

    private func openAttribute(
        _ name: String, on object: String, _ operation: Operation
    ) throws(HDF5Error) -> Handle {
        guard hasAttribute(name, on: object) else { throw operation.error("there is no such attribute") }
        return Handle(
            try operation.check(
                "H5Aopen_by_name", unsafe H5Aopen_by_name(handle.identifier, object, name, 0, 0)), H5Aclose)
    }

    private func valueCount(
        _ attribute: borrowing Handle, _ operation: Operation
    ) throws(HDF5Error) -> Int {
        let space = Handle(try operation.check("H5Aget_space", H5Aget_space(attribute.identifier)), H5Sclose)
        return Int(clamping: H5Sget_simple_extent_npoints(space.identifier))
    }
}
