internal import CHDF5

/// Opening, creating and selecting, under a lock that the caller holds.
extension HDF5File {
    func openDataset(_ dataset: String, _ operation: Operation) throws(HDF5Error) -> Handle {
        guard contains(dataset) else { throw operation.error("there is no such dataset") }
        return Handle(
            try operation.check("H5Dopen2", unsafe H5Dopen2(handle.identifier, dataset, 0)), H5Dclose)
    }

    func createDataset(
        _ dataset: String, type: hid_t, space: borrowing Handle, _ operation: Operation
    ) throws(HDF5Error) -> Handle {
        let links = try intermediateGroups(operation)
        let creation = Handle(try operation.check("H5Pcreate", H5Pcreate(CHDF5_DATASET_CREATE())), H5Pclose)
        try operation.check("H5Pset_layout", H5Pset_layout(creation.identifier, H5D_CONTIGUOUS))
        // Without timestamps the same content gives the same bytes, and so the same checksum.
        try operation.check("H5Pset_obj_track_times", H5Pset_obj_track_times(creation.identifier, false))
        return Handle(
            try operation.check(
                "H5Dcreate2",
                unsafe H5Dcreate2(
                    handle.identifier, dataset, type, space.identifier, links.identifier,
                    creation.identifier, 0)), H5Dclose)
    }

    func shape(of dataset: borrowing Handle, _ operation: Operation) throws(HDF5Error) -> [Int] {
        let space = Handle(try operation.check("H5Dget_space", H5Dget_space(dataset.identifier)), H5Sclose)
        let rank = try operation.check(
            "H5Sget_simple_extent_ndims", H5Sget_simple_extent_ndims(space.identifier))
        var lengths = [hsize_t](repeating: 0, count: Int(rank))
        try operation.check(
            "H5Sget_simple_extent_dims",
            unsafe H5Sget_simple_extent_dims(space.identifier, &lengths, nil))
        guard product(lengths.map { Int(exactly: $0) ?? -1 }) != nil else {
            throw operation.error("the element count of its shape \(lengths) overflows")
        }
        return lengths.map { Int($0) }
    }

    func checkType(
        of dataset: borrowing Handle, is expected: HDF5ElementType, _ operation: Operation
    ) throws(HDF5Error) {
        let type = Handle(try operation.check("H5Dget_type", H5Dget_type(dataset.identifier)), H5Tclose)
        let found = HDF5ElementType(type.identifier)
        guard found == expected else {
            throw operation.error(
                "its elements are \(found?.rawValue ?? "of another kind"), expected \(expected.rawValue)")
        }
    }

    func elementCount(
        _ shape: [Int], rows: Range<Int>?, _ operation: Operation
    ) throws(HDF5Error) -> Int {
        guard let rows else { return shape.reduce(1, *) }
        guard let rowCount = shape.first, rows.lowerBound >= 0, rows.upperBound <= rowCount else {
            throw operation.error("rows \(rows) are out of range for shape \(shape)")
        }
        return rows.count * shape.dropFirst().reduce(1, *)
    }

    func select(
        _ rows: Range<Int>, of shape: [Int], in space: borrowing Handle, _ operation: Operation
    ) throws(HDF5Error) {
        var start = [hsize_t](repeating: 0, count: shape.count)
        start[0] = hsize_t(rows.lowerBound)
        let count = [hsize_t(rows.count)] + shape.dropFirst().map { hsize_t($0) }
        try operation.check(
            "H5Sselect_hyperslab",
            unsafe H5Sselect_hyperslab(space.identifier, H5S_SELECT_SET, start, nil, count, nil))
    }
}

/// A dataspace with the given axes; a scalar one if there are none.
func simpleSpace(_ shape: [Int], _ operation: Operation) throws(HDF5Error) -> Handle {
    if shape.isEmpty {
        return Handle(try operation.check("H5Screate", H5Screate(H5S_SCALAR)), H5Sclose)
    }
    let lengths = shape.map { hsize_t($0) }
    return Handle(
        try operation.check(
            "H5Screate_simple", unsafe H5Screate_simple(Int32(shape.count), lengths, nil)), H5Sclose)
}
