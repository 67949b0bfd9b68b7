internal import CHDF5

/// The number types that datasets and attributes hold.
package enum HDF5ElementType: String, Sendable, CaseIterable {
    case uint8, int32, uint32, int64, uint64, float, double

    var native: hid_t {
        switch self {
        case .uint8: CHDF5_NATIVE_UINT8()
        case .int32: CHDF5_NATIVE_INT32()
        case .uint32: CHDF5_NATIVE_UINT32()
        case .int64: CHDF5_NATIVE_INT64()
        case .uint64: CHDF5_NATIVE_UINT64()
        case .float: CHDF5_NATIVE_FLOAT()
        case .double: CHDF5_NATIVE_DOUBLE()
        }
    }

    /// The element type of a type identifier of the C library, in either byte order; `nil` for any
    /// other type.
    init?(_ type: hid_t) {
        let native = Handle(H5Tget_native_type(type, H5T_DIR_ASCEND), H5Tclose)
        let found = Self.allCases.first { H5Tequal(native.identifier, $0.native) > 0 }
        guard let found else { return nil }
        self = found
    }
}

/// A number that datasets and attributes can hold.
package protocol HDF5Element: BitwiseCopyable, Sendable {
    static var elementType: HDF5ElementType { get }
    /// The value of a new array's elements before it is read into.
    static var zero: Self { get }
}

extension UInt8: HDF5Element { package static var elementType: HDF5ElementType { .uint8 } }
extension Int32: HDF5Element { package static var elementType: HDF5ElementType { .int32 } }
extension UInt32: HDF5Element { package static var elementType: HDF5ElementType { .uint32 } }
extension Int64: HDF5Element { package static var elementType: HDF5ElementType { .int64 } }
extension UInt64: HDF5Element { package static var elementType: HDF5ElementType { .uint64 } }
extension Float: HDF5Element { package static var elementType: HDF5ElementType { .float } }
extension Double: HDF5Element { package static var elementType: HDF5ElementType { .double } }
