internal import Datasets
internal import SystemPackage

/// One pass over the samples of a shard, from front to back. Nothing is unpacked to the disk.
///
/// The files of a sample follow one another, as WebDataset writes and needs them.
struct WebDatasetPass: ~Copyable {
    private struct File {
        var entry: ArchiveReader.Entry
        var name: WebDatasetFile
    }

    private let shard: String
    private let readsLabels: Bool
    private var reader: ArchiveReader
    /// The first file of the next sample; the reader is at its content.
    private var pending: File?
    /// The reader may not be asked again after its last entry.
    private var isAtEnd = false
    private var seen: Set<[UInt8]> = []
    private(set) var skipped = SkippedEntries()

    /// - Parameters:
    ///   - shard: The path of a tar, compressed or not.
    ///   - readsLabels: Whether the files with the labels are read.
    init(_ shard: String, readsLabels: Bool) throws(DatasetError) {
        self.shard = shard
        self.readsLabels = readsLabels
        reader = try ArchiveReader(shard, .tar)
    }

    /// The next sample; `nil` after the last one.
    ///
    /// - Parameter readsImage: Whether its image is read, if it is not too large.
    /// - Throws: If the shard is damaged or cut off, or a key occurs twice in it.
    mutating func next(readsImage: Bool) throws(DatasetError) -> WebDatasetSample? {
        var sample: WebDatasetSample?
        while let file = try nextFile() {
            if let sample, sample.key != file.name.key {
                pending = file
                return sample
            }
            var found = sample ?? WebDatasetSample(file.name.key, in: shard)
            if sample == nil, !seen.insert(found.key).inserted { throw twice(found, file) }
            try add(file, to: &found, readsImage)
            sample = found
        }
        return sample
    }

    private mutating func nextFile() throws(DatasetError) -> File? {
        if let file = pending {
            pending = nil
            return file
        }
        while !isAtEnd {
            guard let entry = try reader.nextEntry() else {
                isAtEnd = true
                break
            }
            guard skipped.take(entry) else { continue }
            guard let path = entry.path, entry.name.root == nil else {
                skipped.add(entry.name, .outside)
                continue
            }
            if let name = WebDatasetFile(path) { return File(entry: entry, name: name) }
            skipped.add(entry.name, .noImage)
        }
        return nil
    }

    private mutating func add(
        _ file: File, to sample: inout WebDatasetSample, _ readsImage: Bool
    ) throws(DatasetError) {
        guard sample.roles.insert(file.name.role).inserted else { throw twice(sample, file) }
        switch file.name.role {
        case .image:
            sample.image = file.entry
            if readsImage, tooLarge(file.entry.byteCount, place: shard) == nil {
                sample.bytes = try content(of: file, sample)
            }
        case .classNumber where readsLabels:
            let bytes = try bytesOfLabel(file, sample, atMost: WebDatasetLabel.digitsByteCount)
            sample.classNumber = bytes.map { WebDatasetLabel(digits: $0) } ?? hugeLabel(file)
        case .metadata where readsLabels:
            if let bytes = try bytesOfLabel(file, sample, atMost: WebDatasetLabel.metadataByteCount) {
                sample.metadata = WebDatasetLabel(metadata: bytes)
            } else {
                sample.metadata = hugeLabel(file)
            }
        case .classNumber, .metadata: break
        }
    }

    /// `nil` if the file is too large for a label.
    private mutating func bytesOfLabel(
        _ file: File, _ sample: WebDatasetSample, atMost limit: Int
    ) throws(DatasetError) -> [UInt8]? {
        file.entry.byteCount <= limit ? try content(of: file, sample) : nil
    }

    private func hugeLabel(_ file: File) -> WebDatasetLabel {
        .bad("\(lastName(of: file.entry.name)) has \(file.entry.byteCount) bytes, too many for a label")
    }

    private mutating func content(
        of file: File, _ sample: WebDatasetSample
    ) throws(DatasetError) -> [UInt8] {
        let count = file.entry.byteCount
        let bytes = try reader.read(atMost: max(count, 0))
        guard bytes.count == count else {
            throw DatasetError(
                action: "read sample", place: sample.place,
                reason: "only \(bytes.count) of the \(count) bytes of \(file.entry.name.text) could be read")
        }
        return bytes
    }

    private func twice(_ sample: WebDatasetSample, _ file: File) -> DatasetError {
        DatasetError(
            action: "read shard", place: sample.place,
            reason: "the key occurs twice, again at byte \(file.entry.offset): \(file.entry.name.text)",
            remedy:
                "give each sample a key of its own, with one image and one label, and write its files one after the other"
        )
    }
}
