import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct NestedTarIndexTests {
    private func inner(_ name: String, count: Int) -> [UInt8] {
        tar(
            (0..<count).map { index in
                // The last name needs an extended header.
                let folder = index == count - 1 ? String(repeating: "long/", count: 30) : ""
                return (
                    "\(folder)\(name)_\(index).JPEG", DecodedImages.file("rgb 4:2:0.jpg") + [UInt8(index)]
                )
            } + [("list.txt", [1, 2, 3])])
    }

    private var classes: [(name: String, bytes: [UInt8])] {
        [("n02", 3), ("n01", 1), ("n03", 2)].map { ("\($0).tar", inner($0, count: $1)) }
    }

    @Test func recordsAreThoseOfTheStreamInAnyOrder() throws {
        try withTemporaryFolder { folder in
            let path = try write(tar(classes + [("notes.txt", [7])]), folder, "x.tar")
            let stream = try records(of: NestedTarArchive(path))
            let index = try #require(try NestedTarIndex(path))
            #expect(index.recordCount == 6 && index.classNames == ["n01", "n02", "n03"])
            #expect(index.notes == ["4 entries passed over: 4 not images (notes.txt)"])
            for number in [5, 0, 3, 1, 4, 2, 5] {
                let record = try index.record(number)
                #expect(record.path == stream[number].path && record.label == stream[number].label)
                #expect(record.place == stream[number].place)
                guard case .encoded(let found) = record.payload,
                    case .encoded(let expected) = stream[number].payload
                else {
                    Issue.record("record \(number) has no bytes")
                    continue
                }
                #expect(found == expected)
            }
            var options = PackingOptions()
            options.recordsPerShard = 2
            let first = try pack(index, folder, "index", options: options)
            let second = try pack(NestedTarArchive(path), folder, "stream", options: options)
            #expect(first.manifest.shards == second.manifest.shards && first.count == 6)
        }
    }

    @Test func aFolderOfArchivesIsTheSameInTheOrderOfNames() throws {
        try withTemporaryFolder { folder in
            for (name, bytes) in classes { try write(bytes, folder, "in/\(name)") }
            #expect(NestedTarIndex.isFolderOfArchives("\(folder)/in"))
            #expect(!NestedTarIndex.isFolderOfArchives(folder))
            let index = try #require(try NestedTarIndex("\(folder)/in"))
            let all = try records(of: index)
            #expect(all.map(\.label) == [0, 1, 1, 1, 2, 2])
            #expect(all[0].place.hasPrefix("\(folder)/in/n01.tar, at byte 0: "))
            try write(gzip(classes[0].bytes), folder, "in/n04.tar")
            #expect(
                message { _ = try NestedTarIndex("\(folder)/in") }
                    == "could not read archive, \(folder)/in/n04.tar: it is not an uncompressed tar; "
                    + "uncompress the archives of the folder")
        }
    }

    @Test func compressedOnesMustBeReadAsTheyCome() throws {
        try withTemporaryFolder { folder in
            let outside = try write(gzip(tar(classes)), folder, "x.tar.gz")
            let inside = try write(tar(classes.map { ($0.name, gzip($0.bytes)) }), folder, "y.tar")
            for path in [outside, inside] {
                let index = try NestedTarIndex(path)
                #expect(index == nil)
            }
        }
    }

    @Test func aCutOffArchiveAndAClassWithoutALabelAreErrors() throws {
        try withTemporaryFolder { folder in
            let bytes = tar(classes)
            for count in [bytes.count / 2, bytes.count - 3000] {
                let path = try write(bytes.prefix(count), folder, "cut.tar")
                let found = message { _ = try NestedTarIndex(path) }
                #expect(found.hasPrefix("could not read") && found.contains(path), "\(found)")
            }
            let path = try write(bytes, folder, "x.tar")
            let list = try write("n02\nn03\n".utf8, folder, "synsets.txt")
            #expect(
                message { _ = try NestedTarIndex(path, order: ClassOrder(list)) }.hasPrefix(
                    "could not find the class 'n01', \(path), at byte "))
        }
    }
}
