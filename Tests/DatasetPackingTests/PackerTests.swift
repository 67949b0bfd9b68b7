import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct PackerTests {
    @Test func aDatasetIsReplacedOnlyWhenAsked() throws {
        try withTemporaryFolder { folder in
            _ = try pack(drawnRecords(count: 3), folder)
            #expect(
                message { _ = try pack(drawnRecords(count: 4), folder) }
                    == "could not create dataset, \(folder)/set: there is a dataset already; "
                    + "give another folder, or --overwrite")
            #expect(try PackedDataset(path: "\(folder)/set").count == 3)
            var options = PackingOptions()
            options.overwrite = true
            #expect(try pack(drawnRecords(count: 4), folder, options: options).count == 4)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["set"])
        }
    }

    @Test func aFolderOfOtherThingsIsNeverReplaced() throws {
        try withTemporaryFolder { folder in
            try write([1], folder, "set/precious.txt")
            var options = PackingOptions()
            options.overwrite = true
            #expect(
                message { _ = try pack(drawnRecords(count: 3), folder, options: options) }
                    == "could not create dataset, \(folder)/set: it exists and is not a dataset; "
                    + "give another folder")
            #expect(FileManager.default.fileExists(atPath: "\(folder)/set/precious.txt"))
        }
    }

    @Test func afterAnErrorInTheFirstShardsNothingIsLeft() throws {
        try withTemporaryFolder { folder in
            let source = GeneratedRecords(origin: "broken", count: 600) { index throws(DatasetError) in
                if index == 599 { throw DatasetError(action: "draw", place: "599", reason: "no more paint") }
                return (0, drawnImage(index))
            }
            var options = PackingOptions()
            options.recordsPerShard = 600
            #expect(
                message { _ = try pack(source, folder, options: options) }
                    == "could not draw, 599: no more paint")
            let left = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(left.isEmpty)
        }
    }

    @Test func anImageOfAnotherSizeIsNamedWithTheWayOut() throws {
        try withTemporaryFolder { folder in
            let source = GeneratedRecords(origin: "mixed", count: 3) { index in
                (0, drawnImage(index, width: index == 2 ? 8 : 7))
            }
            #expect(
                message { _ = try pack(source, folder) }
                    == "could not store as pixels, mixed, record 2: it is 8×5, the first image is 7×5; "
                    + "pack the images with --layout encoded")
        }
    }

    @Test func theLayoutFollowsTheFirstImage() throws {
        try withTemporaryFolder { folder in
            let small = try pack(drawnRecords(count: 2, width: 64, height: 64), folder, "small")
            #expect(small.manifest.layout == .pixels(height: 64, width: 64, channels: 3))
            #expect(
                message { _ = try pack(drawnRecords(count: 2, width: 65, height: 2), folder, "large") }
                    == "could not store encoded, drawn, record 0: the source holds pixels, not image files; "
                    + "pack it with --layout pixels")
            var options = PackingOptions()
            options.layout = .pixels
            let large = try pack(
                drawnRecords(count: 2, width: 65, height: 2), folder, "large", options: options)
            #expect(large.manifest.layout == .pixels(height: 2, width: 65, channels: 3))
        }
    }

    @Test func outOfDistributionLabelsAreAllMinusOne() throws {
        try withTemporaryFolder { folder in
            var options = PackingOptions()
            options.outOfDistribution = true
            let dataset = try pack(drawnRecords(count: 5), folder, options: options)
            #expect((0..<5).map { dataset.label(of: $0) } == [-1, -1, -1, -1, -1])
            #expect(dataset.manifest.classNames == [] && dataset.manifest.classCount == 0)
        }
    }

    @Test func unknownClassesAreCountedByTheLargestLabel() throws {
        try withTemporaryFolder { folder in
            let unnamed = try pack(drawnRecords(count: 5, classNames: []), folder, "a")
            #expect(unnamed.manifest.classCount == 3)
            var options = PackingOptions()
            options.classCount = 2
            #expect(
                message {
                    _ = try pack(drawnRecords(count: 5, classNames: []), folder, "b", options: options)
                }
                    == "could not take label 2, drawn, record 2: expected 0 to 1")
        }
    }

    @Test func theLimitAndProgressCountRecords() throws {
        try withTemporaryFolder { folder in
            var options = PackingOptions()
            options.limit = 300
            var packer = Packer(
                source: drawnRecords(count: 1000), name: "n", destination: "\(folder)/set/", options: options)
            var calls: [[Int]] = []
            let manifest = try packer.run { calls.append([$0.done, $0.total ?? -1]) }
            #expect(manifest.count == 300)
            #expect(calls == [[256, 300], [300, 300]])
        }
    }

    @Test func anEmptySourceIsAnError() throws {
        try withTemporaryFolder { folder in
            #expect(
                message { _ = try pack(drawnRecords(count: 0), folder) }
                    == "could not pack, drawn: it holds no records")
        }
    }

    @Test func threadsGiveTheSameDatasetAndTheSameError() throws {
        try withTemporaryFolder { folder in
            for index in 0..<40 {
                var file = DecodedImages.file("rgb.png")
                if index == 17 || index == 31 { file.removeLast(file.count / 2) }
                try write(file, folder, "bad/\(index % 3)/\(index).png")
                try write(DecodedImages.file("rgb 4:2:0.jpg"), folder, "good/\(index % 3)/\(index).jpg")
            }
            var found: [[String]] = []
            for threads in [1, 2, 3] {
                var options = PackingOptions()
                options.threads = threads
                let good = try pack(
                    ImageFolder(Folder("\(folder)/good")), folder, "good\(threads)", options: options)
                let error = message {
                    _ = try pack(
                        ImageFolder(Folder("\(folder)/bad")), folder, "bad\(threads)", options: options)
                }
                found.append([good.fingerprint, error])
            }
            #expect(found[0] == found[1] && found[0] == found[2])
            #expect(found[0][1].contains("/bad/1/31.png: "))
        }
    }
}
