package import Datasets
internal import SystemPackage

/// Cropped digits of the Street View House Numbers: `train_32x32.mat`, `test_32x32.mat` or
/// `extra_32x32.mat`.
///
/// A MATLAB file of `X`, uint8 of shape `[32, 32, 3, n]` (row, column, channel, image;
/// column-major), and `y`, `n` labels of 1 to 10, where 10 means the digit 0 and becomes label 0.
/// Netzer, Wang, Coates, Bissacco, Wu, Ng: "Reading digits in natural images with unsupervised
/// feature learning", 2011.
package struct SVHNArchive: IndexedRecordSource {
    package let origin: String
    package var recordCount: Int { labels.count }
    package let identity: String
    package let classNames = (0..<10).map { "\($0)" }
    private let labels: [Int32]
    /// Shape `[count, 3, width, height]`, row-major: channel, column, row.
    private let pixels: ArraySlice<UInt8>
    private let height: Int
    private let width: Int
    private var index = 0

    /// Reads the file into memory.
    ///
    /// - Throws: If it is missing, damaged, not a MATLAB file of versions 5 to 7, or `X` and `y`
    ///   are not as above.
    package init(_ path: String) throws(DatasetError) {
        let failure = { (reason: String) in
            DatasetError(action: "read SVHN file", place: path, reason: reason)
        }
        let variables = try MATLABFile(path).variables(["X", "y"])
        guard case .bytes(var shape, let pixels) = variables["X"] else {
            throw failure("it has no uint8 array 'X'")
        }
        // MATLAB drops a last axis of length 1.
        if shape.count == 3 { shape.append(1) }
        guard shape.count == 4, shape[2] == 3, shape[0] > 0, shape[1] > 0, shape[3] > 0 else {
            throw failure("'X' has the shape \(shape), expected [32, 32, 3, n]")
        }
        guard let digits = variables["y"]?.numbers, digits.count == shape[3] else {
            throw failure("'y' does not hold \(shape[3]) numbers")
        }
        if let bad = digits.firstIndex(where: { !(0...10).contains($0) || $0 != $0.rounded() }) {
            throw failure("label \(bad) is \(digits[bad]), expected 1 to 10")
        }
        origin = path
        identity = fileIdentity(path)
        labels = digits.map { $0 == 10 ? 0 : Int32($0) }
        (height, width) = (shape[0], shape[1])
        self.pixels = pixels
    }

    package mutating func next() throws(DatasetError) -> Record? {
        guard index < labels.count else { return nil }
        defer { index += 1 }
        return record(index)
    }

    package func record(_ index: Int) -> Record {
        let start = pixels.startIndex + index * 3 * height * width
        var bytes = [UInt8](repeating: 0, count: 3 * height * width)
        for row in 0..<height {
            for column in 0..<width {
                for channel in 0..<3 {
                    bytes[(row * width + column) * 3 + channel] =
                        pixels[start + (channel * width + column) * height + row]
                }
            }
        }
        let place = "\(origin), image \(index)"
        return Record(
            path: FilePath(place), label: labels[index], place: place,
            payload: .pixels(RGBImage(width: width, height: height, bytes: bytes)))
    }
}

extension DatasetFormat {
    static let svhn = DatasetFormat(
        "svhn", "SVHN's .mat files of cropped digits",
        rows: [
            Row(
                "SVHN", "`train_32x32.mat`, `test_32x32.mat`, `extra_32x32.mat`",
                "MATLAB 5 to 7, in memory (compressed file and pixels: 0.4 GB for train); label 10 becomes 0")
        ],
        recognize: { content, _ in
            let hasEnding = content.path.lowercased().hasSuffix(".mat")
            if content.kind == .matlab || content.kind == .hdf5 && hasEnding { return .content }
            return content.isUnknown && hasEnding ? .name : nil
        },
        open: { try SVHNArchive($0.inputs[0]) })
}
