/// Records that a function gives by number: drawn images, or those of another dataset.
public struct GeneratedRecords: RecordSource {
    public let origin: String
    public let classNames: [String]
    public let count: Int?
    private let end: Int
    private let record: (Int) throws(DatasetError) -> (label: Int32, image: RGBImage)
    private var index = 0

    /// - Parameter record: Gives the record of a number in `0..<count`; asked once each, in order.
    public init(
        origin: String, classNames: [String] = [], count: Int,
        record: @escaping (_ index: Int) throws(DatasetError) -> (label: Int32, image: RGBImage)
    ) {
        self.origin = origin
        self.classNames = classNames
        self.count = count
        end = count
        self.record = record
    }

    public mutating func next() throws(DatasetError) -> Record? {
        guard index < end else { return nil }
        defer { index += 1 }
        let (label, image) = try record(index)
        return Record(
            path: "\(index)", label: label, place: "\(origin), record \(index)", payload: .pixels(image))
    }
}
