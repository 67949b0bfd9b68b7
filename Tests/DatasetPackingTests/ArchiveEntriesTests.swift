import DatasetPacking
import DatasetSamples
import Datasets
import SystemPackage
import TestSupport
import Testing

/// Every entry of an archive is packed or counted as skipped.
@Suite(.timeLimit(.minutes(30))) struct ArchiveEntriesTests {
    private let image = DecodedImages.file("rgb.png")

    private func file(_ name: String) -> [UInt8] { tarEntry(Array(name.utf8), image) }

    private func link(_ name: String, _ target: String, type: Character = "2") -> [UInt8] {
        tarEntry(Array(name.utf8), type: type, link: target)
    }

    private func source(_ entries: [[UInt8]], compressed: Bool = false, _ folder: String) throws
        -> ImageFolder
    {
        let bytes = entries.flatMap(\.self)
        return try ImageFolder(TarArchive(write(compressed ? gzip(bytes) : bytes, folder, "x.tar")))
    }

    @Test(arguments: [false, true])
    func linksGiveWhatTheyLeadTo(compressed: Bool) throws {
        try withTemporaryFolder { folder in
            let source = try source(
                [
                    file("a/1.png"), link("b/1.png", "a/1.png", type: "1"), link("b/2.png", "../a/1.png"),
                    link("c", "a"), link("c2/3.png", "../b/2.png"), tarEnd,
                ], compressed: compressed, folder)
            #expect(source.classNames == ["a", "b", "c", "c2"] && source.notes.isEmpty)
            let all = try records(of: source)
            #expect(all.map(\.path) == ["a/1.png", "b/1.png", "b/2.png", "c/1.png", "c2/3.png"])
            for record in all {
                guard case .encoded(let bytes) = record.payload else {
                    Issue.record("\(record.path) has no bytes")
                    continue
                }
                #expect(bytes == image)
            }
        }
    }

    @Test func whatIsPassedOverIsCounted() throws {
        try withTemporaryFolder { folder in
            let source = try source(
                [
                    file("a/1.png"), file("b/1.png"), link("a/2.png", "nothing.png"),
                    link("a/3.png", "/etc/4.png"), link("a/loop", "../a"), file("../../evil/0.png"),
                    file("/abs/0.png"), file("a/1.png"), file("a/._1.png"),
                    tarEntry(Array("a/p.png".utf8), type: "6"),
                    tarEnd,
                ], folder)
            #expect(source.recordCount == 2)
            #expect(
                source.notes == [
                    "8 entries passed over: 1 hidden (a/._1.png), 2 linking to nothing (a/2.png), "
                        + "1 linking to a folder that holds them (a/loop), "
                        + "2 leading out of the archive (../../evil/0.png), 1 replaced by a later one (a/1.png), "
                        + "1 neither file nor folder (a/p.png)"
                ])
        }
    }

    @Test func linksThatMultiplyAreRefused() throws {
        try withTemporaryFolder { folder in
            var entries = [file("0/1.png")]
            for level in 1...12 {
                entries += [link("\(level)/x", "../\(level - 1)"), link("\(level)/y", "../\(level - 1)")]
            }
            let found = message { _ = try source(entries + [tarEnd], folder) }
            #expect(found == "could not read archive, \(folder)/x.tar: links multiply its files")
        }
    }

    /// Two archives in one file, concatenated by `cat`, plain or by `gzip`.
    @Test(arguments: [false, true])
    func aSecondArchiveBehindTheFirstIsRead(compressed: Bool) throws {
        try withTemporaryFolder { folder in
            let parts = [file("a/1.png") + tarEnd, file("b/1.png") + tarEnd]
            let bytes = parts.map { compressed ? gzip($0) : $0 }.flatMap(\.self)
            let source = try ImageFolder(TarArchive(write(bytes, folder, "x.tar")))
            #expect(source.classNames == ["a", "b"] && source.recordCount == 2)
            #expect(try pack(source, folder).count == 2)
        }
    }

    @Test func otherBytesBehindTheEndAreRefused() throws {
        try withTemporaryFolder { folder in
            let found = message {
                _ = try source(
                    [file("a/1.png"), file("b/1.png"), tarEnd, Array(repeating: 7, count: 512)], folder)
            }
            #expect(found.hasPrefix("could not read archive, \(folder)/x.tar: "), "\(found)")
        }
    }

    @Test(arguments: [false, true])
    func anArchiveCutBetweenTwoEntriesIsRefused(compressed: Bool) throws {
        try withTemporaryFolder { folder in
            let found = message {
                _ = try source([file("a/1.png"), file("b/1.png")], compressed: compressed, folder)
            }
            #expect(
                found
                    == "could not read archive, \(folder)/x.tar: it has no end mark: it was cut off after an entry; "
                    + "copy or download it again")
            let inner = tar([("a_1.JPEG", image)]).dropLast(1024)
            let path = try write(
                tar([("a.tar", Array(inner)), ("b.tar", tar([("b_1.JPEG", image)]))]), folder, "nested.tar")
            for cut in [
                message { _ = try NestedTarIndex(path) },
                message { _ = try records(of: NestedTarArchive(path)) },
            ] {
                #expect(cut.contains("a.tar: it has no end"), "\(cut)")
            }
        }
    }

    /// libarchive would continue after a damaged header, and reports an internal error if asked for
    /// the entry's bytes.
    @Test func aDamagedHeaderIsSaidAsThat() throws {
        try withTemporaryFolder { folder in
            var second = file("b/1.png")
            second[0] ^= 1
            let found = message { _ = try source([file("a/1.png"), second, tarEnd], folder) }
            #expect(found.hasPrefix("could not read archive, \(folder)/x.tar: "), "\(found)")
            #expect(found.contains("Damaged") && !found.contains("INTERNAL"), "\(found)")
        }
    }

    @Test func namesAreBytes() throws {
        try withTemporaryFolder { folder in
            let names: [[UInt8]] = [[0x61, 0x2F, 0x63, 0xE8], [0x61, 0x2F, 0x63, 0xE9]].map {
                $0 + Array(".png".utf8)
            }
            let source = try source(
                names.map { tarEntry($0, image) } + [
                    file("a/e\u{301}.png"), file("a/\u{e9}.png"), file("b/1.png"), tarEnd,
                ],
                folder)
            #expect(try records(of: source).prefix(2).map(\.path.bytes) == names)
            #expect(source.recordCount == 5)
        }
    }

    /// An entry too large for an image must not use as much memory.
    @Test func aHugeEntryIsNoImage() throws {
        try withTemporaryFolder { folder in
            let header = tarEntry(Array("a/1.png".utf8), byteCount: (1 << 27) + 1)
            let blocks = [UInt8](repeating: 0, count: (1 << 27) + 512)
            let source = try source([header, blocks, file("b/1.png"), tarEnd], folder)
            let found = message { _ = try pack(source, folder) }
            #expect(
                found.contains("the file has 134217729 bytes, expected at most 134217728"), "\(found)")
        }
    }
}
