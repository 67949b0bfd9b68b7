/// Images with labels, by record number.
///
/// Called from several threads at a time.
public protocol ImageSource: Sendable {
    /// The number of records.
    var count: Int { get }

    /// Whether images are evaluated at the size they have, without resize, as the benchmark does with ImageNet-C.
    var keepsSize: Bool { get }

    /// The class of `record`, or −1 where it belongs to none.
    func label(of record: Int) -> Int32

    /// The pixels of `record`, as they are stored.
    ///
    /// - Throws: `DatasetError` if the record cannot be read or decoded.
    func image(of record: Int) throws(DatasetError) -> RGBImage

    /// Puts the image of `record` into a worker's memory, decoded or not.
    ///
    /// - Returns: The number of the record that was read. A run proves by it that each epoch has read every record once.
    /// - Throws: `DatasetError` if the record cannot be read.
    func load(_ record: Int, into workspace: ImageWorkspace) throws(DatasetError) -> Int
}

extension ImageSource {
    public var keepsSize: Bool { false }

    public func load(_ record: Int, into workspace: ImageWorkspace) throws(DatasetError) -> Int {
        workspace.hold(try image(of: record))
        return record
    }
}
