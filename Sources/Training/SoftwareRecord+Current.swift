internal import Cluster
internal import Datasets
internal import HDF5
internal import Kernels
package import Software

extension SoftwareRecord {
    /// This program and the libraries on which a run and its evaluation may depend.
    package static let current = SoftwareRecord(
        libraries: [
            "HDF5": hdf5Version(), "MPI": mpiVersion(), "OpenBLAS": libraryVersion(),
            "libjpeg-turbo": jpegLibraryVersion(), "libwebp": webPVersion(),
        ])
}
