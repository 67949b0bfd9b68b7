import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct BenchmarkPackerTests {
    @Test(arguments: OpenOODBenchmark.names)
    func theBuiltInBenchmarksAreThoseOfOpenOOD(name: String) throws {
        let benchmark = try OpenOODBenchmark(name)
        #expect(benchmark.name == name && benchmark.version == "OpenOOD v1.5")
        let names = { (role: OpenOODBenchmark.Role) in benchmark.sets.filter { $0.role == role }.map(\.name) }
        let counts = { (role: OpenOODBenchmark.Role) in
            benchmark.sets.filter { $0.role == role }.map { $0.count ?? 0 }
        }
        for role in [OpenOODBenchmark.Role.train, .validation, .test, .oodValidation] {
            #expect(names(role).count == 1)
        }
        switch name {
        case "cifar10":
            #expect(names(.near) == ["cifar100", "tin"] && counts(.near) == [9000, 7793])
            #expect(names(.csid) == ["cifar10c"] && benchmark.classNames?.first == "airplane")
        case "cifar100":
            #expect(names(.near) == ["cifar10", "tin"] && counts(.near) == [10_000, 6526])
            #expect(names(.csid) == [] && benchmark.classNames?.last == "worm")
        case "imagenet200":
            #expect(counts(.validation) == [1000] && counts(.csid) == [2000, 2000, 30_000])
        default:
            #expect(counts(.validation) == [5000] && counts(.csid) == [10_000, 10_000, 30_000, 0])
            #expect(benchmark.sets.filter { $0.isOptional == true }.map(\.name) == ["imagenet_es"])
        }
        if name.hasPrefix("cifar") {
            #expect(names(.far) == ["mnist", "svhn", "texture", "places365"])
        } else {
            #expect(names(.near) == ["ssb_hard", "ninco"] && counts(.near) == [49_000, 5879])
            #expect(names(.far) == ["inaturalist", "textures", "openimage_o"])
            #expect(counts(.far) == [10_000, 5160, 15_869])
        }
    }

    /// A benchmark of four sets; `far`'s list and `far2`'s images are missing, and `near` lacks an
    /// image.
    private func makeRoot(_ folder: String) throws -> OpenOODBenchmark {
        let sets = [("train", "train", 3), ("near", "near", 3), ("far", "far", 2), ("far2", "far", 1)].map {
            "{\"name\": \"\($0)\", \"role\": \"\($1)\", \"list\": \"small/\($0).txt\", \"images\": \"images\", \"count\": \($2)}"
        }
        let json =
            "{\"name\": \"small\", \"version\": \"test 1\", \"classCount\": 2, \"classNames\": [\"x\", \"y\"], "
            + "\"sets\": [\(sets.joined(separator: ","))]}"
        let path = try write(json.utf8, folder, "small.json")
        for (index, name) in ["a", "b", "c", "d", "e"].enumerated() {
            let grey = [UInt8](repeating: UInt8(index), count: index + 1)
            try write(DecodedImages.file("rgb.png") + grey, folder, "root/images/set/\(name).png")
        }
        let lists = "root/benchmark_imglist/small"
        try write("set/a.png 1\nset/b.png 0\nset/c.png 1\n".utf8, folder, "\(lists)/train.txt")
        try write("set/d.png -1\nset/none.png -1\nset/e.png -1\n".utf8, folder, "\(lists)/near.txt")
        try write("other/1.png -1\n".utf8, folder, "\(lists)/far2.txt")
        return try OpenOODBenchmark(path)
    }

    @Test func whatIsThereIsPackedAndTheRestIsNamed() throws {
        try withTemporaryFolder { folder in
            let benchmark = try makeRoot(folder)
            let root = "\(folder)/root"
            let packer = try BenchmarkPacker(
                benchmark, root: root, destination: "\(folder)/out", options: PackingOptions())
            let outcomes = try benchmark.sets.map { try packer.pack($0) }
            #expect(outcomes.map(\.state) == [.packed, .short, .missing, .missing])
            #expect(outcomes.map(\.count) == [3, 2, 0, 0])
            #expect(
                outcomes.map(\.remark) == [
                    "", "1 images are missing or damaged", "no list \(root)/benchmark_imglist/small/far.txt",
                    "none of 1 images in \(root)/images",
                ])
            let train = try PackedDataset(path: "\(folder)/out/train")
            #expect(
                (0..<3).map { train.label(of: $0) } == [1, 0, 1] && train.manifest.classNames == ["x", "y"])
            let split = try #require(train.manifest.benchmark)
            #expect(split.version == "test 1" && split.role == .train && split.expectedCount == 3)
            #expect(
                split.listHash
                    == (try ImageList("\(root)/benchmark_imglist/small/train.txt", images: Folder(root)).hash)
            )
            let near = try PackedDataset(path: "\(folder)/out/near")
            #expect((0..<2).allSatisfy { near.label(of: $0) == -1 } && near.manifest.classCount == 0)

            // A second run keeps complete sets, packs sets that have become available, and reports
            // sets that should be packed again.
            try write(DecodedImages.file("rgb.png"), folder, "root/images/set/none.png")
            try write(DecodedImages.file("rgb.png"), folder, "root/images/other/1.png")
            let again = try benchmark.sets.map { try packer.pack($0) }
            #expect(again.map(\.state) == [.kept, .short, .missing, .packed])
            #expect(again[1].remark == "packed with 2 of 3 images that are there; --overwrite packs it again")
            var options = PackingOptions()
            options.overwrite = true
            let anew = try BenchmarkPacker(
                benchmark, root: folder + "/root", destination: "\(folder)/out", options: options)
            #expect(try anew.pack(benchmark.sets[1]).state == .packed)
        }
    }

    @Test func aDamagedImageFailsItsSetAloneAndAnotherListIsNoticed() throws {
        try withTemporaryFolder { folder in
            var benchmark = try makeRoot(folder)
            benchmark.sets[0].hash = "0123456789abcdef"
            try write(BadImages.bad("cut.jpg"), folder, "root/images/set/d.png")
            let packer = try BenchmarkPacker(
                benchmark, root: "\(folder)/root", destination: "\(folder)/out", options: PackingOptions())
            let train = try packer.pack(benchmark.sets[0])
            #expect(train.state == .packed && train.remark == "the list is not that of test 1")
            let near = try packer.pack(benchmark.sets[1])
            #expect(
                near.state == .failed && near.remark.contains("near.txt, line 1")
                    && near.remark.contains("--on-bad skip"))
            var options = PackingOptions()
            options.onBad = .skip
            let skipping = try BenchmarkPacker(
                benchmark, root: "\(folder)/root", destination: "\(folder)/out", options: options)
            #expect(try skipping.pack(benchmark.sets[1]).count == 1)
        }
    }

    @Test func anotherDatasetIsNotReplaced() throws {
        try withTemporaryFolder { folder in
            let benchmark = try makeRoot(folder)
            _ = try pack(drawnRecords(count: 3), folder, "out/train")
            let packer = try BenchmarkPacker(
                benchmark, root: "\(folder)/root", destination: "\(folder)/out", options: PackingOptions())
            let outcome = try packer.pack(benchmark.sets[0])
            #expect(outcome.state == .failed)
            #expect(outcome.remark == "another dataset is at \(folder)/out/train; --overwrite replaces it")
        }
    }

    @Test func aMissingRootAndAnUnknownBenchmarkAreNamed() throws {
        let benchmark = try OpenOODBenchmark("cifar10")
        #expect(
            message {
                _ = try BenchmarkPacker(
                    benchmark, root: "/nowhere", destination: "x", options: PackingOptions())
            }
                == "could not open OpenOOD's data, /nowhere: there is no folder benchmark_imglist; "
                + "give the folder that holds benchmark_imglist, images_classic and images_largescale")
        #expect(
            message { _ = try OpenOODBenchmark("cifar") }
                == "could not find benchmark, cifar: there is no such benchmark; "
                + "give one of cifar10, cifar100, imagenet200, imagenet1k, or a .json file")
    }

    @Test func aListsHashDoesNotDependOnBlanksAndLineEnds() throws {
        try withTemporaryFolder { folder in
            let hashes = try ["a.png 1\nb.png 0\n", "a.png 1 \r\n\r\nb.png 0", "b.png 0\na.png 1\n"]
                .enumerated().map {
                    try ImageList(write($1.utf8, folder, "\($0).txt"), images: Folder(folder)).hash
                }
            #expect(hashes[0] == hashes[1] && hashes[0] != hashes[2])
        }
    }

    @Test(.enabled(if: SharedData.isThere, "needs the image sets in ../shared/data"))
    func openOODsListsHaveTheHashesOfTheDefinitions() throws {
        try withTemporaryFolder { folder in
            let lists = try TarArchive("\(SharedData.path)/imglist/benchmark_imglist_openood.tar.gz")
            for name in ["cifar10", "cifar100"] {
                for set in try OpenOODBenchmark(name).sets where set.hash != nil {
                    let path = try write(
                        try lists.contents(of: "benchmark_imglist/\(set.list)"), folder, set.list)
                    let list = try ImageList(path, images: Folder(folder))
                    #expect(list.hash == set.hash && list.count == set.count, "\(set.list)")
                }
            }
        }
    }
}
