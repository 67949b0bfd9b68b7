public import SystemPackage

/// One image on its way into a dataset.
public struct Record: Sendable {
    /// The image, decoded or as the file it came as.
    public enum Payload: Sendable {
        case pixels(RGBImage)
        case encoded([UInt8])
        /// The image is there and cannot be read.
        case damaged(DatasetError)
        /// The image is not there.
        case missing(DatasetError)
    }

    /// The path or number that names the image in its source.
    public var path: FilePath
    /// The class, or −1 out of distribution.
    public var label: Int32
    /// Where the record stands, for errors: file and line, or archive and offset.
    public var place: String
    public var payload: Payload

    public init(path: FilePath, label: Int32, place: String, payload: Payload) {
        self.path = path
        self.label = label
        self.place = place
        self.payload = payload
    }
}

/// A sequence of labelled images that can be packed.
public protocol RecordSource {
    /// What is read, for the manifest.
    var origin: String { get }
    /// Changes when what is read changes: the sizes and dates of archives, the paths of single files. Packing that was
    /// interrupted goes on only where it is the same.
    var identity: String { get }
    /// The classes' names in the order of their labels; empty if the source does not know them.
    var classNames: [String] { get }
    /// The number of classes, if the source knows it; labels are checked against it.
    var classCount: Int? { get }
    /// The number of records; `nil` where only the end tells.
    var count: Int? { get }
    /// How much has been read, from 0 to 1, where a source without `count` knows it.
    var fractionRead: Double? { get }
    /// What a reader should know about the source, such as bytes left over at the end of a cut-off file.
    var notes: [String] { get }

    /// The next record; `nil` after the last one.
    ///
    /// A single image that is damaged or missing is a record too, with what is wrong as its payload.
    ///
    /// - Throws: If the source cannot be read on.
    mutating func next() throws(DatasetError) -> Record?

    /// Passes over the next `count` records, with no more reading than it takes.
    ///
    /// - Returns: How many there were; fewer only at the end.
    mutating func skip(_ count: Int) throws(DatasetError) -> Int
}

/// A source whose records can be read in any order, and from several threads at a time.
public protocol IndexedRecordSource: RecordSource, Sendable {
    /// The number of records.
    var recordCount: Int { get }

    /// A record, as `next()` gives it.
    ///
    /// - Parameter index: In `0..<recordCount`.
    func record(_ index: Int) throws(DatasetError) -> Record
}

/// A source that knows the labels of its records before it reads them.
public protocol LabelledRecords: IndexedRecordSource {
    /// Of all records, in their order.
    var labels: [Int32] { get }
}

extension RecordSource {
    public var identity: String { "" }
    public var classNames: [String] { [] }
    public var classCount: Int? { classNames.isEmpty ? nil : classNames.count }
    public var fractionRead: Double? { nil }
    public var notes: [String] { [] }

    public mutating func skip(_ count: Int) throws(DatasetError) -> Int {
        for passed in 0..<count where try next() == nil { return passed }
        return count
    }
}

extension IndexedRecordSource {
    public var count: Int? { recordCount }
}
