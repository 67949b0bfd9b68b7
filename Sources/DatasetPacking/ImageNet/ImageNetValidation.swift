package import Datasets
internal import SystemPackage

/// ImageNet's validation images as they are downloaded (`ILSVRC2012_img_val.tar`, or its unpacked
/// folder), with the devkit's labels.
///
/// Labels follow the sorted identifiers of the classes, as in OpenOOD and torchvision.
package struct ImageNetValidation: IndexedRecordSource {
    package let classNames: [String]
    package let notes: [String]
    private let images: any FileTree
    private let paths: [FilePath]
    private let labels: [Int32]
    private let origins: String
    private var index = 0

    package var origin: String { origins }
    package var recordCount: Int { paths.count }
    package var identity: String { "\(pathsHash(paths)) \(images.identity)" }

    /// - Parameter path: The devkit's path, for the manifest.
    /// - Throws: If there is no image, or an image's name is not `ILSVRC2012_val_00000001.JPEG`
    ///   with a number that the devkit has.
    package init(_ images: any FileTree, _ devkit: ImageNetDevkit, path: String) throws(DatasetError) {
        var listing = try images.listing()
        let paths = listing.takeImages()
        guard !paths.isEmpty else { throw noImages(images.path, listing.skipped) }
        classNames = sortedByBytes(devkit.names)
        let labelOfName = Dictionary(
            zip(classNames.map(\.bytesKey), Int32(0)...), uniquingKeysWith: { first, _ in first })
        var labels: [Int32] = []
        for image in paths {
            guard let number = validationNumber(image), (1...devkit.validation.count).contains(number) else {
                throw DatasetError(
                    action: "find the label", place: images.place(of: image),
                    reason:
                        "its name is not ILSVRC2012_val_ and a number from 1 to \(devkit.validation.count)"
                )
            }
            labels.append(labelOfName[devkit.validation[number - 1].bytesKey] ?? -1)
        }
        self.images = images
        self.paths = paths
        self.labels = labels
        origins = "\(images.path) with \(path)"
        let missing = devkit.validation.count - paths.count
        notes =
            listing.skipped.notes
            + (missing == 0
                ? [] : ["\(paths.count) of the devkit's \(devkit.validation.count) images are there"])
    }

    package mutating func next() -> Record? {
        guard index < paths.count else { return nil }
        defer { index += 1 }
        return record(index)
    }

    package func record(_ index: Int) -> Record {
        Record(
            path: paths[index], label: labels[index], place: images.place(of: paths[index]),
            payload: payload(of: paths[index], in: images))
    }
}

/// The number in `ILSVRC2012_val_00000001.JPEG`; `nil` for another name.
private func validationNumber(_ image: FilePath) -> Int? {
    let name = lastName(of: image)
    let start = "ILSVRC2012_val_"
    guard name.hasPrefix(start) else { return nil }
    return Int(name.dropFirst(start.count).prefix { $0.isASCII && $0.isNumber })
}
