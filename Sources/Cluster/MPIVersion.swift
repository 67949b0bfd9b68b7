internal import CMPI

/// Name and version of the MPI library, such as `Open MPI v4.1.4`; may be called at any time.
package func mpiVersion() -> String {
    // More than any MPI's MPI_MAX_LIBRARY_VERSION_STRING.
    let capacity = 8192
    var count: Int32 = 0
    var isKnown = false
    let text = unsafe String(unsafeUninitializedCapacity: capacity) { buffer in
        unsafe buffer.withMemoryRebound(to: CChar.self) {
            isKnown = unsafe MPI_Get_library_version($0.baseAddress, &count) == MPI_SUCCESS
        }
        return isKnown ? min(Int(count), capacity) : 0
    }
    // Open MPI adds its package, its date and so on, MPICH further lines.
    let name = text.prefix { $0 != "," && !$0.isNewline && $0 != "\0" }
    return isKnown ? String(name) : "unknown"
}
