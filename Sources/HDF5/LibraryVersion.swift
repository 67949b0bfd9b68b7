internal import CHDF5

/// The version of the HDF5 library.
package func hdf5Version() -> String {
    Library.lock()
    defer { Library.unlock() }
    var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
    guard unsafe H5get_libversion(&major, &minor, &release) >= 0 else { return "unknown" }
    return "\(major).\(minor).\(release)"
}
