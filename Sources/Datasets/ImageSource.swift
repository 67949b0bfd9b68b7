/// Decoded images with labels, by record number.
///
/// Called from several threads at a time.
public protocol ImageSource: Sendable {
    /// The number of records.
    var count: Int { get }

    /// The class of `record`, or −1 where it belongs to none.
    func label(of record: Int) -> Int32

    /// The pixels of `record`, as they are stored.
    ///
    /// - Throws: `DatasetError` if the record cannot be read or decoded.
    func image(of record: Int) throws(DatasetError) -> RGBImage
}
