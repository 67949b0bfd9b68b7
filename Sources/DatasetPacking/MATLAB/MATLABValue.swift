/// A variable of a MATLAB file.
///
/// Arrays are column-major: the first axis runs fastest.
indirect enum MATLABValue: Equatable {
    /// Unsigned 8-bit integers, as stored.
    case bytes(shape: [Int], ArraySlice<UInt8>)
    /// Numbers of any other type.
    case numbers(shape: [Int], [Double])
    case text(String)
    case cells([MATLABValue])
    /// A struct array: each element's fields.
    case structures([[String: MATLABValue]])

    /// The elements of an array of numbers.
    var numbers: [Double]? {
        switch self {
        case .bytes(_, let bytes): bytes.map(Double.init)
        case .numbers(_, let numbers): numbers
        default: nil
        }
    }
}
