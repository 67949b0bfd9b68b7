internal import CHDF5

extension HDF5File {
    /// Creates a group and its missing parents.
    package func createGroup(_ group: String) throws(HDF5Error) {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("create group", group)
        let links = try intermediateGroups(operation)
        _ = Handle(
            try operation.check(
                "H5Gcreate2", unsafe H5Gcreate2(handle.identifier, group, links.identifier, 0, 0)), H5Gclose)
    }

    /// Whether there is a group or dataset at `object`.
    package func contains(_ object: String) -> Bool {
        Library.lock()
        defer { Library.unlock() }
        // H5Lexists fails, instead of returning 0, if a part before the last one is missing.
        var soFar = ""
        for part in object.split(separator: "/") {
            soFar += "/\(part)"
            guard unsafe H5Lexists(handle.identifier, soFar, 0) > 0 else { return false }
        }
        return true
    }

    /// Whether `object` is a group.
    package func isGroup(_ object: String) throws(HDF5Error) -> Bool {
        Library.lock()
        defer { Library.unlock() }
        let open = try openObject(object, operation("open", object))
        return H5Iget_type(open.identifier) == H5I_GROUP
    }

    /// The names of the datasets and groups directly in `group`, sorted.
    package func memberNames(of group: String = "/") throws(HDF5Error) -> [String] {
        Library.lock()
        defer { Library.unlock() }
        let operation = operation("list group", group)
        let open = Handle(
            try operation.check("H5Gopen2", unsafe H5Gopen2(handle.identifier, group, 0)), H5Gclose)
        var information = H5G_info_t()
        try operation.check("H5Gget_info", unsafe H5Gget_info(open.identifier, &information))
        var names: [String] = []
        for index in 0..<information.nlinks {
            names.append(try memberName(index, of: open, operation))
        }
        return names
    }

    private func memberName(
        _ index: hsize_t, of group: borrowing Handle, _ operation: Operation
    ) throws(HDF5Error) -> String {
        let length = try operation.check(
            "H5Lget_name_by_idx",
            unsafe H5Lget_name_by_idx(
                group.identifier, ".", H5_INDEX_NAME, H5_ITER_INC, index, nil, 0, 0))
        var bytes = [CChar](repeating: 0, count: length + 1)
        try operation.check(
            "H5Lget_name_by_idx",
            unsafe H5Lget_name_by_idx(
                group.identifier, ".", H5_INDEX_NAME, H5_ITER_INC, index, &bytes, bytes.count, 0))
        return String(decoding: bytes.dropLast().map { UInt8(truncatingIfNeeded: $0) }, as: UTF8.self)
    }

    func openObject(_ object: String, _ operation: Operation) throws(HDF5Error) -> Handle {
        Handle(try operation.check("H5Oopen", unsafe H5Oopen(handle.identifier, object, 0)), H5Oclose)
    }
}

/// Properties of a new object's link: missing groups on its path are created.
func intermediateGroups(_ operation: Operation) throws(HDF5Error) -> Handle {
    let list = Handle(try operation.check("H5Pcreate", H5Pcreate(CHDF5_LINK_CREATE())), H5Pclose)
    try operation.check(
        "H5Pset_create_intermediate_group", H5Pset_create_intermediate_group(list.identifier, 1))
    return list
}
