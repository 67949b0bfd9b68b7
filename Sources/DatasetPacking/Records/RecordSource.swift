package import Datasets
package import SystemPackage

/// One image to be packed into a dataset.
package struct Record: Sendable {
    /// The image, decoded or as its original file.
    package enum Payload: Sendable {
        case pixels(RGBImage)
        case encoded([UInt8])
        /// The image exists but cannot be read.
        case damaged(DatasetError)
        /// The image does not exist.
        case missing(DatasetError)
    }

    /// The path or number that names the image in its source.
    package var path: FilePath
    /// The class, or −1 for an out-of-distribution image.
    package var label: Int32
    /// Where the record is, for errors: file and line, or archive and offset.
    package var place: String
    package var payload: Payload

    package init(path: FilePath, label: Int32, place: String, payload: Payload) {
        self.path = path
        self.label = label
        self.place = place
        self.payload = payload
    }
}

/// A sequence of labelled images that can be packed.
package protocol RecordSource {
    /// The source's path or description, for the manifest.
    var origin: String { get }
    /// A text that changes when the source changes: the sizes and dates of archives, the paths of
    /// single files. An interrupted run is resumed only if it is the same.
    var identity: String { get }
    /// The class names in label order; empty if the source does not know them.
    var classNames: [String] { get }
    /// The number of classes, if the source knows it; labels are checked against it.
    var classCount: Int? { get }
    /// The number of records; `nil` if it is unknown until the end.
    var count: Int? { get }
    /// The fraction read so far, from 0 to 1, of a source without `count`; `nil` if unknown.
    var fractionRead: Double? { get }
    /// Notes for the user, such as the bytes left over at the end of a truncated file.
    var notes: [String] { get }

    /// The next record; `nil` after the last one.
    ///
    /// A damaged or missing image is a record, too, with the error as its payload.
    ///
    /// - Throws: If the source cannot be read any further.
    mutating func next() throws(DatasetError) -> Record?

    /// Skips the next `count` records, reading as little as possible.
    ///
    /// - Returns: The number of records skipped; less than `count` only at the end.
    mutating func skip(_ count: Int) throws(DatasetError) -> Int
}

/// A source whose records can be read in any order, and from several threads at a time.
package protocol IndexedRecordSource: RecordSource, Sendable {
    /// The number of records.
    var recordCount: Int { get }

    /// A record, as `next()` returns it.
    ///
    /// - Parameter index: In `0..<recordCount`.
    func record(_ index: Int) throws(DatasetError) -> Record
}

/// A source that knows the labels of its records before it reads them.
package protocol LabelledRecords: IndexedRecordSource {
    /// The labels of all records, in the order of the records.
    var labels: [Int32] { get }
}

extension RecordSource {
    package var identity: String { "" }
    package var classNames: [String] { [] }
    package var classCount: Int? { classNames.isEmpty ? nil : classNames.count }
    package var fractionRead: Double? { nil }
    package var notes: [String] { [] }

    package mutating func skip(_ count: Int) throws(DatasetError) -> Int {
        for passed in 0..<count where try next() == nil { return passed }
        return count
    }
}

extension IndexedRecordSource {
    package var count: Int? { recordCount }
}
