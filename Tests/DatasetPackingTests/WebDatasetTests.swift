import Checksums
import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import SystemPackage
import TestSupport
import Testing

/// Shards of WebDataset, in place and as streams.
@Suite(.timeLimit(.minutes(30))) struct WebDatasetTests {
    private typealias Files = [(name: String, bytes: [UInt8])]

    private static let image = DecodedImages.file("rgb.png")
    private static let jpeg = DecodedImages.file("rgb 4:2:0.jpg")

    private func index(_ paths: [String], isLabelled: Bool = true) throws -> WebDatasetIndex {
        try #require(
            try WebDatasetIndex(WebDatasetShards(paths, origin: paths), isLabelled: isLabelled))
    }

    private func stream(_ paths: [String], isLabelled: Bool = true) throws -> WebDatasetStream {
        try WebDatasetStream(WebDatasetShards(paths, origin: paths), isLabelled: isLabelled)
    }

    private func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// Shards as Python's tarfile writes them, in the layout of webdataset.TarWriter.
    @Test func samplesOfPythonAreRead() throws {
        let paths = (0..<2).map { ReaderSamples.path("webdataset-00000\($0).tar") }
        let source = try index(paths)
        let all = try records(of: source)
        let sample = ReaderSamples.all.webdataset
        #expect(all.map(\.label) == sample.labels && source.classCount == 4)
        #expect(all.map(\.path.text) == sample.names)
        let found = try all.map { record -> String in
            guard case .encoded(let bytes) = record.payload else { return "no file" }
            return CRC64(try RGBImage(decoding: bytes, place: record.place).bytes).hexadecimal
        }
        #expect(found == sample.checksums)
        #expect(source.notes == ["2 entries passed over: 2 not images (000003.txt)"])
        #expect(all[3].place == "\(paths[1]), key '000003'")
    }

    /// Three samples with all kinds of names, in two shards.
    private func writeShards(_ folder: String, _ change: ([UInt8]) -> [UInt8] = { $0 }) throws -> [String] {
        let first = tar([
            ("./a/1.jpg", Self.jpeg), ("./a/1.cls", text(" 2\r\n")), ("b.1.PNG", [1]), ("b.seg.png", [2]),
            ("b.PNG", Self.image), ("b.json", text(#"{"caption": "x", "label": null, "cls": 1}"#)),
        ])
        // The number counts, and not the object.
        let second = tar([
            ("1.json", text(#"{"label": 5}"#)), ("1.cls", text("0")), ("1.jpeg", Self.jpeg), (".x.jpg", [1]),
        ])
        return [
            try write(change(first), folder, "train-0.tar"),
            try write(change(second), folder, "train-1.tar.gz"),
        ]
    }

    @Test func aStreamGivesTheSameRecordsAsAnIndex() throws {
        try withTemporaryFolder { folder in
            let paths = try writeShards(folder)
            let source = try index(paths)
            let all = try records(of: source)
            #expect(all.map(\.label) == [2, 1, 0])
            #expect(all.map(\.path.text) == ["train-0/a/1.jpg", "train-0/b.PNG", "train-1/1.jpeg"])
            #expect(source.notes == ["3 entries passed over: 2 not images (b.1.PNG), 1 hidden (.x.jpg)"])
            let compressed = try writeShards("\(folder)/z", gzip)
            let none = try WebDatasetIndex(WebDatasetShards(compressed, origin: []), isLabelled: true)
            #expect(none == nil)
            let other = try stream(compressed)
            let streamed = try records(of: other)
            #expect(other.notes == source.notes && other.fractionRead == 1)
            for (one, two) in zip(all, streamed) {
                #expect(one.path == two.path && one.label == two.label)
                #expect(one.place == two.place.replacing("\(folder)/z", with: folder))
                guard case .encoded(let first) = one.payload, case .encoded(let second) = two.payload else {
                    Issue.record("no bytes at \(one.place)")
                    continue
                }
                #expect(first == second)
            }
            for number in [2, 0, 1] { #expect(try source.record(number).path == all[number].path) }
            var options = PackingOptions()
            options.recordsPerShard = 2
            options.layout = .encoded
            let packed = try pack(index(paths), folder, "index", options: options)
            let again = try pack(stream(compressed), folder, "stream", options: options)
            #expect(packed.manifest.shards == again.manifest.shards && packed.count == 3)
            #expect(packed.manifest.classCount == 3 && again.manifest.classCount == 3)
        }
    }

    @Test func aStreamSkipsWholeSamples() throws {
        try withTemporaryFolder { folder in
            let source = try stream(writeShards(folder))
            #expect(try source.skip(2) == 2)
            #expect(try source.next()?.path.text == "train-1/1.jpeg")
            #expect(try source.skip(5) == 0)
        }
    }

    @Test func aFolderHasItsTarsInTheOrderOfNames() throws {
        try withTemporaryFolder { folder in
            for (name, label) in [("b.tar", "1"), ("a.tar", "0"), (".c.tar", "7")] {
                try write(tar([("1.png", Self.image), ("1.cls", text(label))]), folder, "in/\(name)")
            }
            try write([1], folder, "in/notes.txt")
            // Checksums, indices and parts beside the shards are no shards.
            for name in ["0.tar.md5", "b.tar.idx", "z.tar.part", "z.targets.npy"] {
                try write([1], folder, "in/\(name)")
            }
            let (format, source) = try SourceOptions(inputs: ["\(folder)/in"]).open()
            #expect(format.name == "webdataset" && source.origin == "\(folder)/in")
            #expect(try records(of: source).map(\.path.text) == ["a/1.png", "b/1.png"])
            try write([1], folder, "none/notes.txt")
            #expect(
                message { _ = try WebDatasetShards(["\(folder)/none"], origin: []) }
                    == "could not read shards, \(folder)/none: there is no .tar file in it")
        }
    }

    @Test func aRangeOfShardsIsOneSource() throws {
        try withTemporaryFolder { folder in
            for number in 8...11 {
                let name = number < 10 ? "x-0\(number).tar" : "x-\(number).tar"
                try write(tar([("k.png", Self.image), ("k.cls", text("\(number)"))]), folder, name)
            }
            let options = SourceOptions(inputs: ["\(folder)/x-{08..11}.tar"])
            try options.check()
            let (format, source) = try options.open()
            #expect(format.name == "webdataset" && source.origin == "\(folder)/x-{08..11}.tar")
            #expect(try records(of: source).map(\.label) == [8, 9, 10, 11] && source.classCount == 12)
            let identity = source.identity
            try write(tar([("k.png", Self.image), ("k.cls", text("3"))]), folder, "x-09.tar")
            #expect(try options.open().source.identity != identity)
            let missing = SourceOptions(inputs: ["\(folder)/x-{11..12}.tar"])
            try missing.check()
            #expect(
                message { _ = try missing.open() }
                    == "could not open, \(folder)/x-12.tar: no such file or directory")
            let none = SourceOptions(inputs: ["\(folder)/y-{11..12}.tar"])
            try none.check()
            #expect(
                message { _ = try none.open() }
                    == "could not open, \(folder)/y-11.tar: no such file or directory")
            let named = (8...11).map { "\(folder)/x-\($0 < 10 ? "0" : "")\($0).tar" }
            let origin = try SourceOptions(inputs: named).open().source.origin
            #expect(origin == "\(folder)/x-08.tar to \(folder)/x-11.tar, 4 shards")
        }
    }

    // MARK: - Errors

    /// A sample that cannot be packed, by its files; with the error's reason.
    private static let bad: [(files: Files, reason: String)] = [
        ([("k.cls", [0x30])], "it has no .jpg, .jpeg, .png or .webp file"),
        ([("k.gif", [1]), ("k.json", [])], "it has no .jpg, .jpeg, .png or .webp file"),
        ([("k.png", image)], "it has no label: a .cls file, or a .json file with 'label' or 'cls'"),
        (
            [("k.png", image), ("k.json", Array("{}".utf8))],
            "it has no label: a .cls file, or a .json file with 'label' or 'cls'"
        ),
    ]

    private static let badLabels: [(file: String, text: String, reason: String)] = [
        ("cls", "cat", "its .cls file holds 'cat', expected a decimal number"),
        ("cls", "", "its .cls file holds '', expected a decimal number"),
        ("cls", "+1", "its .cls file holds '+1', expected a decimal number"),
        ("cls", "1.0", "its .cls file holds '1.0', expected a decimal number"),
        ("cls", "0x1", "its .cls file holds '0x1', expected a decimal number"),
        ("cls", "1 2", "its .cls file holds '1 2', expected a decimal number"),
        ("cls", "-1", "its label is -1, expected 0 to 1048575"),
        ("cls", "1048576", "its label is 1048576, expected 0 to 1048575"),
        (
            "cls", String(repeating: "9", count: 30),
            "its label is \(String(repeating: "9", count: 30)), expected 0 to 1048575"
        ),
        ("cls", String(repeating: "0", count: 65), "k.cls has 65 bytes, too many for a label"),
        (
            "json", String(repeating: " ", count: (1 << 20) + 1),
            "k.json has 1048577 bytes, too many for a label"
        ),
        ("json", "[1]", "its .json file is not an object in JSON"),
        ("json", #"{"label": 1"#, "its .json file is not an object in JSON"),
        (
            "json", String(repeating: "[", count: 100_000), "its .json file is not an object in JSON"
        ),
        ("json", #"{"label": "1"}"#, "the 'label' in its .json file is not an integer"),
        ("json", #"{"label": 1.5, "cls": 1}"#, "the 'label' in its .json file is not an integer"),
        ("json", #"{"cls": true}"#, "the 'cls' in its .json file is not an integer"),
        ("json", #"{"label": 99999999999999999999}"#, "the 'label' in its .json file is not an integer"),
        ("json", #"{"label": [1]}"#, "the 'label' in its .json file is not an integer"),
        ("json", #"{"label": -3}"#, "its label is -3, expected 0 to 1048575"),
        ("json", #"{"label": 1048576}"#, "its label is 1048576, expected 0 to 1048575"),
    ]

    /// With `--on-bad skip` such a sample is left out; the others are packed.
    private func expect(_ files: Files, _ reason: String) throws {
        try withTemporaryFolder { folder in
            let first: Files = [("a.png", Self.image), ("a.cls", text("0"))]
            let last: Files = [("z.png", Self.image), ("z.cls", text("1"))]
            let bytes = tar(first + files + last)
            let path = try write(bytes, folder, "x.tar")
            let zipped = try write(gzip(bytes), folder, "x.tgz")
            let sources: [(String, () throws -> any RecordSource)] = [
                (path, { try index([path]) }), (zipped, { try stream([zipped]) }),
            ]
            for (place, open) in sources {
                let labels = try records(of: open()).map(\.label)
                #expect(labels.count == 3 && labels.first == 0 && labels.last == 1)
                let found = message { _ = try pack(open(), folder) }
                #expect(found.hasPrefix("could not read sample, \(place), key 'k': \(reason); "), "\(found)")
                var options = PackingOptions()
                options.onBad = .skip
                options.onMissing = .skip
                let set = try pack(open(), folder, lastName(of: place) + ".set", options: options)
                #expect(set.count == 2 && set.manifest.classCount == 2)
            }
        }
    }

    @Test(arguments: bad.indices) func anIncompleteSampleIsNamed(index: Int) throws {
        try expect(Self.bad[index].files, Self.bad[index].reason)
    }

    @Test(arguments: badLabels.indices) func aLabelThatIsNoneIsNamed(index: Int) throws {
        let (file, label, reason) = Self.badLabels[index]
        try expect([("k.\(file)", text(label)), ("k.png", Self.image)], reason)
    }

    @Test func aKeyOccursOnce() throws {
        try withTemporaryFolder { folder in
            let pair = { (name: String) -> Files in
                [("\(name).png", Self.image), ("\(name).cls", self.text("0"))]
            }
            let cases: [(files: Files, again: String)] = [
                (pair("k") + pair("l") + pair("k"), "k.png"), (pair("k") + pair("k"), "k.png"),
                (pair("k") + [("k.jpg", Self.jpeg)], "k.jpg"), (pair("k") + [("k.cls", [0x31])], "k.cls"),
                (pair("k") + pair("l") + [("k.json", [0x31])], "k.json"),
            ]
            for (files, again) in cases {
                let path = try write(tar(files), folder, "x.tar")
                for found in [
                    message { _ = try index([path]) }, message { _ = try records(of: stream([path])) },
                ] {
                    #expect(
                        found.hasPrefix(
                            "could not read shard, \(path), key 'k': the key occurs twice, again at byte ")
                            && found.contains(": \(again); give each sample a key of its own"), "\(found)")
                }
            }
            // In another shard it may occur again.
            let one = try write(tar(pair("k")), folder, "1.tar")
            let two = try write(tar(pair("k")), folder, "2.tar")
            #expect(try index([one, two]).recordCount == 2)
        }
    }

    @Test func outOfDistributionSamplesNeedNoLabels() throws {
        try withTemporaryFolder { folder in
            let path = try write(
                tar([
                    ("a.png", Self.image), ("b.png", Self.image), ("b.cls", text("cat")),
                    ("c.cls", text("1")),
                    ("d.png", Self.image), ("d.json", text("{")),
                ]), folder, "x.tar")
            let sources: [any RecordSource] = [
                try index([path], isLabelled: false), try stream([path], isLabelled: false),
            ]
            for source in sources {
                let all = try records(of: source)
                #expect(all.map(\.label) == [-1, -1, -1, -1] && source.classCount == nil)
                let isMissing = all.map { if case .missing = $0.payload { true } else { false } }
                #expect(isMissing == [false, false, true, false])
            }
        }
    }

    /// Names are bytes of the archive's author; the terminal gets them escaped.
    @Test func hostileNamesAreNoPathsAndAreQuoted() throws {
        try withTemporaryFolder { folder in
            let name = Array("\u{1B}[2J".utf8) + [0xE9]
            let entries =
                tarEntry(name + Array(".png".utf8), [1, 2]) + tarEntry(name + Array(".cls".utf8), [0x30])
                + tarEntry(Array("../../k.png".utf8), Self.image)
                + tarEntry(Array("/etc/k.png".utf8), Self.image)
                + tarEntry(Array("k.png".utf8), type: "2", link: "/etc/passwd")
                + tarEntry(Array("k.cls".utf8), [0x31])
            let path = try write(entries + tarEnd, folder, "x.tar")
            let source = try index([path])
            let all = try records(of: source)
            #expect(all.map(\.path.text) == ["x/\u{1B}[2J\\xE9.png", "x/k"])
            #expect(all[0].place == "\(path), key '\u{1B}[2J\\xE9'")
            #expect(
                source.notes == [
                    "3 entries passed over: 1 linking to others (k.png), 2 leading out of the archive (../../k.png)"
                ])
        }
    }

    @Test func anArchiveThatEndsInAnEntryIsNamed() throws {
        try withTemporaryFolder { folder in
            for (name, byteCount) in [("k.png", (1 << 33) - 1), ("k.cls", (1 << 33) - 1), ("k.cls", 8)] {
                let path = try write(tarEntry(Array(name.utf8), byteCount: byteCount), folder, "x.tar")
                for found in [
                    message { _ = try index([path]) }, message { _ = try records(of: stream([path])) },
                ] {
                    #expect(found.hasPrefix("could not read archive, \(folder)/x.tar: "), "\(found)")
                }
            }
        }
    }

    @Test func aShardThatIsCutOffOrEmptyIsNamed() throws {
        try withTemporaryFolder { folder in
            let bytes = tar([("k.png", Self.image), ("k.cls", text("0"))])
            let path = try write(bytes.prefix(bytes.count - 1024), folder, "x.tar")
            #expect(
                message { _ = try index([path]) }
                    == "could not read archive, \(path): it has no end mark: it was cut off after an entry; "
                    + "copy or download it again")
            let other = try write(tar([("readme.txt", [1])]), folder, "y.tar")
            #expect(
                message { _ = try index([other]) }
                    == "could not read shards, \(other): there is no sample in them; "
                    + "1 entry passed over: 1 not images (readme.txt); "
                    + "a sample is KEY.jpg, .jpeg, .png or .webp with KEY.cls or KEY.json")
        }
    }
}
