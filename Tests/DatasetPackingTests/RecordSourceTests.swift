import DatasetPacking
import DatasetSamples
import Datasets
import SystemPackage
import TestSupport
import Testing

/// The contract of every reader; a new reader is a new row.
@Suite(.timeLimit(.minutes(30))) struct RecordSourceTests {
    static let readers: [(name: String, make: @Sendable (_ folder: String) throws -> any RecordSource)] = [
        ("generated", { _ in drawnRecords(count: 3) }),
        (
            "image list",
            { folder in
                try write(DecodedImages.file("rgb.png"), folder, "images/a.png")
                let list = try write("a.png 1\na.png 0\na.png 2\n".utf8, folder, "list.txt")
                return try ImageList(list, images: Folder("\(folder)/images"), classNames: ["x", "y", "z"])
            }
        ),
        (
            "image folder",
            { folder in
                for name in ["x/1.png", "y/1.png", "z/1.png"] {
                    try write(DecodedImages.file("rgb.png"), folder, "tree/\(name)")
                }
                return try ImageFolder(Folder("\(folder)/tree"))
            }
        ),
        (
            "CIFAR-10",
            { folder in
                let bytes = (0..<3).flatMap { cifarRecord(labels: [UInt8($0)], seed: $0) }
                return try CIFARArchive([write(bytes, folder, "batch.bin")], .cifar10)
            }
        ),
        (
            "CIFAR-100",
            { folder in
                let bytes = (0..<3).flatMap { cifarRecord(labels: [0, UInt8($0)], seed: $0) }
                return try CIFARArchive([write(bytes, folder, "test.bin")], .cifar100)
            }
        ),
        ("SVHN", { _ in try SVHNArchive(ReaderSamples.path("svhn-plain.mat")) }),
        (
            "IDX",
            { folder in
                try IDXArchive(
                    images: write(gzip(idx([3, 2, 2], Array(0..<12))), folder, "images.gz"),
                    labels: write(gzip(idx([3], [2, 0, 1])), folder, "labels.gz"))
            }
        ),
        (
            "STL-10",
            { folder in
                let images = try write([UInt8](repeating: 5, count: 3 * 12), folder, "train_X.bin")
                return try STLArchive(
                    images: images, labels: write([3, 1, 2], folder, "train_y.bin"), side: 2)
            }
        ),
        (
            "WebDataset",
            { folder in
                let files: [(name: String, bytes: [UInt8])] = [2, 0, 1].flatMap { label in
                    [
                        ("\(label)0.png", DecodedImages.file("rgb.png")),
                        ("\(label)0.cls", Array("\(label)".utf8)),
                    ]
                }
                let shards = try WebDatasetShards([write(tar(files), folder, "x.tar")], origin: ["x.tar"])
                return try #require(try WebDatasetIndex(shards, isLabelled: true))
            }
        ),
    ]

    @Test(arguments: readers.indices)
    func givesEveryRecordOnceWithALabelInRange(reader: Int) throws {
        try withTemporaryFolder { folder in
            var source = try Self.readers[reader].make(folder)
            let name = Self.readers[reader].name
            let classCount = try #require(source.classCount)
            let all = try records(of: source)
            #expect(all.count == 3 && source.count == 3, "\(name)")
            #expect(all.map(\.label).sorted() == [0, 1, 2], "\(name)")
            #expect(all.allSatisfy { $0.label < classCount }, "\(name)")
            #expect(
                !source.origin.isEmpty && all.allSatisfy { !$0.place.isEmpty && !$0.path.isEmpty }, "\(name)")
            for _ in 0..<3 { _ = try source.next() }
            let end = try source.next()
            #expect(end == nil, "\(name)")
            let dataset = try pack(try Self.readers[reader].make(folder), folder)
            #expect(dataset.count == 3, "\(name)")
        }
    }
}
