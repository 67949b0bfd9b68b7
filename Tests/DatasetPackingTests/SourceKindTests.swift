import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import TestSupport
import Testing

extension SourceKind {
    static let folder = named("folder")
    static let tar = named("tar")
    static let nestedTar = named("tar-of-tars")
    static let zip = named("zip")
    static let npy = named("npy")
    static let npz = named("npz")
    static let svhn = named("svhn")
    static let idx = named("idx")
    static let webDataset = named("webdataset")

    static func cifar(_ variant: CIFARArchive.Variant) -> SourceKind { named(variant.rawValue) }

    private static func named(_ name: String) -> SourceKind {
        guard let format = DatasetFormat(named: name) else { preconditionFailure("no format '\(name)'") }
        return .format(format)
    }
}

/// The kind of an input is recognised by its content.
@Suite(.timeLimit(.minutes(30))) struct SourceKindTests {
    private static let image = DecodedImages.file("rgb.png")
    private static let classes = tar([("a/0.png", image), ("b/0.png", image)])
    private static let batch: [UInt8] = [0x80, 2, 0x7D, 0x2E]

    private static let files: [(name: String, bytes: [UInt8], kind: SourceKind)] = [
        ("plain.tar", classes, .tar), ("plain.tar.gz", classes, .tar), ("no ending", classes, .tar),
        ("zipped.tar", gzip(classes), .tar), ("cifar-10-images.tar", classes, .tar),
        ("cifar-10-images.tar.gz", gzip(classes), .tar),
        ("train.tar", tar([("n01.tar", classes)]), .nestedTar),
        ("renamed.tgz", gzip(tar([("x/readme.html", [60]), ("x/data_batch_1", batch)])), .cifar(.cifar10)),
        ("hundred.tar", tar([("cifar-100-python/train", batch)]), .cifar(.cifar100)),
        ("bare.tar", tar([("train", batch), ("meta", batch)]), .cifar(.cifar100)),
        ("any.tar", tar([("train", batch)]), .tar),
        ("shard.tar", tar([("7.png", image), ("7.cls", [0x33])]), .webDataset),
        ("shard.tgz", gzip(tar([("a/7.json", Array(#"{"cls":3}"#.utf8)), ("a/7.png", image)])), .webDataset),
        ("caption.tar", tar([("a/7.png", image), ("a/7.json", Array(#"{"id":3}"#.utf8))]), .tar),
        ("set.zip", zip([("a/0.png", image)]), .zip), ("zip.tar", zip([("a/0.png", image)]), .zip),
        ("arrays.npz", zip([("x.npy", npy("|u1", [1], [1]))]), .npz),
        ("model.pt", zip([("model/data.pkl", batch)]), .other(.pyTorch)),
        ("x.npy", npy("|u1", [1], [1]), .npy), ("x.npy.gz", gzip(npy("|u1", [1], [1])), .other(.npy)),
        ("images", idx([1, 1, 1], [5]), .idx), ("images.gz", gzip(idx([1, 1, 1], [5])), .idx),
        ("digits.mat", Array("MATLAB 5.0 MAT-file".utf8), .svhn), ("old.mat", [0xE8, 3, 1, 2], .svhn),
        ("data_batch_1", batch, .cifar(.cifar10)), ("data_batch_1.bin", [3, 255, 1], .cifar(.cifar10)),
        ("x.pkl", batch, .other(.pickle)), ("data_batch_1.gz", gzip(batch), .other(.gzip)),
        ("x.parquet", Array("PAR1".utf8), .other(.parquet)),
        ("x.arrow", Array("ARROW1".utf8), .other(.arrow)),
        ("x.7z", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], .other(.sevenZip)),
        ("x.rar", Array("Rar!\u{1A}\u{7}".utf8), .other(.rar)),
        ("x.h5", [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], .other(.hdf5)),
        ("x.tfrecord", [16, 0, 0, 0, 0, 0, 0, 0, 0x95, 0xFB, 0xFE, 0x18, 1], .other(.tfRecord)),
        ("x.mdb", [UInt8](repeating: 0, count: 16) + [0xDE, 0xC0, 0xEF, 0xBE], .other(.lmdb)),
        ("page.tar", Array("\n<!DOCTYPE html>".utf8), .other(.webPage)),
        ("lfs.tar", Array("version https://git-lfs.github.com/spec/v1\n".utf8), .other(.lfsPointer)),
        ("list.txt", Array("a/0.png 0\n".utf8), .other(.text)), ("empty.tar", [], .other(.empty)),
        ("one.png", image, .other(.png)), ("unknown", [1, 2, 3], .other(.unknown)),
    ]

    @Test func aFileIsWhatItsBytesSay() throws {
        try withTemporaryFolder { folder in
            for (name, bytes, kind) in Self.files {
                let path = try write(bytes, folder, name)
                #expect(SourceKind(path) == kind, "\(name)")
            }
        }
    }

    @Test func everyRefusalSaysWhatItIsAndWhatToDo() throws {
        try withTemporaryFolder { folder in
            for (name, bytes, kind) in Self.files {
                let path = try write(bytes, folder, name)
                let refusal = SourceKind(path).refusal(of: path)
                guard case .other = kind else {
                    #expect(refusal == nil)
                    continue
                }
                #expect(refusal?.description.hasPrefix("could not pack, \(path): ") == true)
                #expect(refusal?.remedy?.isEmpty == false)
            }
            let path = "\(folder)/x.parquet"
            #expect(
                SourceKind(path).refusal(of: path)?.description
                    == "could not pack, \(path): it is a Parquet file; write its images to one folder per class, "
                    + "or as uint8 [n, height, width, 3] to an .npz with labels")
        }
    }

    @Test func aFolderIsOfficialByItsFilesAndNotByItsName() throws {
        try withTemporaryFolder { folder in
            try write(Self.image, folder, "CIFAR-10-images/a/0.png")
            try write(Self.image, folder, "cifar-10-python/train/a/0.png")
            try write(Self.batch, folder, "mine/data_batch_1")
            try write(Self.batch, folder, "root/cifar-10-batches-py/test_batch")
            try write(Self.batch, folder, "cifar-100-python/train")
            try write(Self.batch, folder, "other/train")
            for (name, kind) in [
                ("CIFAR-10-images", SourceKind.folder), ("cifar-10-python", .folder),
                ("mine", .cifar(.cifar10)),
                ("root", .cifar(.cifar10)), ("cifar-100-python", .cifar(.cifar100)), ("other", .folder),
                ("none", .folder),
            ] {
                #expect(SourceKind("\(folder)/\(name)") == kind, "\(name)")
            }
        }
    }

    /// Tars in a folder are classes, unless the first is a shard of samples.
    @Test func aFolderOfTarsIsWhatTheirFilesSay() throws {
        try withTemporaryFolder { folder in
            try write(tar([("0.png", Self.image)]), folder, "classes/n01.tar")
            try write(tar([("0.png", Self.image), ("0.cls", [0x30])]), folder, "shards/n01.tar")
            #expect(SourceKind("\(folder)/classes") == .nestedTar)
            #expect(SourceKind("\(folder)/shards") == .webDataset)
        }
    }

    /// Opening a pipe would wait for a writer.
    @Test func aPipeIsNotRead() throws {
        try withTemporaryFolder { folder in
            let path = "\(folder)/x.tar"
            let isMade = unsafe mkfifo(path, 0o600) == 0
            try #require(isMade)
            #expect(SourceKind(path) == .folder)
            #expect(message { _ = try Folder(path) } == "could not open folder, \(path): it is not a folder")
        }
    }

    @Test func aFolderOfAnotherFormatIsNamed() throws {
        try withTemporaryFolder { folder in
            try write([UInt8](repeating: 0, count: 16) + [0xDE, 0xC0, 0xEF, 0xBE], folder, "db/data.mdb")
            try write(npy("|u1", [1, 1, 1], [1]), folder, "c/fog.npy")
            #expect(SourceKind("\(folder)/db") == .holding(.lmdb, file: "data.mdb"))
            #expect(
                SourceKind("\(folder)/c").refusal(of: "c")?.description
                    == "could not pack, c: the folder has no images and no class folders, but a NumPy array: fog.npy; "
                    + "name the file itself")
            try write(Self.image, folder, "c/0.png")
            #expect(SourceKind("\(folder)/c") == .folder)
        }
    }
}
