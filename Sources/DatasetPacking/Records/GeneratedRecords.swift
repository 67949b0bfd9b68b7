package import Datasets
internal import SystemPackage

/// Records computed by a function of their index: drawn images, or those of another dataset.
package struct GeneratedRecords: IndexedRecordSource {
    package let origin: String
    package let classNames: [String]
    package let recordCount: Int
    private let make: @Sendable (Int) throws(DatasetError) -> (label: Int32, image: RGBImage)
    private var index = 0

    /// - Parameter record: Returns the record of an index in `0..<count`; called from several
    ///   threads at a time.
    package init(
        origin: String, classNames: [String] = [], count: Int,
        record: @escaping @Sendable (_ index: Int) throws(DatasetError) -> (label: Int32, image: RGBImage)
    ) {
        self.origin = origin
        self.classNames = classNames
        recordCount = count
        make = record
    }

    /// The images of a source of images, such as a synthetic set or another dataset.
    package init(_ images: some ImageSource, origin: String, classNames: [String] = []) {
        self.init(origin: origin, classNames: classNames, count: images.count) {
            (record) throws(DatasetError) in (images.label(of: record), try images.image(of: record))
        }
    }

    package mutating func next() throws(DatasetError) -> Record? {
        guard index < recordCount else { return nil }
        defer { index += 1 }
        return try record(index)
    }

    package func record(_ index: Int) throws(DatasetError) -> Record {
        let (label, image) = try make(index)
        return Record(
            path: FilePath("\(index)"), label: label, place: "\(origin), record \(index)",
            payload: .pixels(image))
    }
}
