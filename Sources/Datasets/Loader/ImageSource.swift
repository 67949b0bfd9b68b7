/// Images with labels, accessed by record number.
///
/// Several threads call it at the same time.
package protocol ImageSource: Sendable {
    /// The number of records.
    var count: Int { get }

    /// Whether images are evaluated at their own size, without a resize, as the benchmark does for
    /// ImageNet-C.
    var keepsSize: Bool { get }

    /// The class of `record`, or −1 if it has none.
    func label(of record: Int) -> Int32

    /// The stored pixels of `record`, without any transform.
    ///
    /// - Throws: `DatasetError` if the record cannot be read or decoded.
    func image(of record: Int) throws(DatasetError) -> RGBImage

    /// Puts the image of `record`, decoded or encoded, into a worker's memory.
    ///
    /// - Returns: The number of the record that was read; `EpochCoverage` uses it to prove that
    ///   each epoch reads every record once.
    /// - Throws: `DatasetError` if the record cannot be read.
    func load(_ record: Int, into workspace: ImageWorkspace) throws(DatasetError) -> Int
}

extension ImageSource {
    package var keepsSize: Bool { false }

    package func load(_ record: Int, into workspace: ImageWorkspace) throws(DatasetError) -> Int {
        workspace.hold(try image(of: record))
        return record
    }
}
