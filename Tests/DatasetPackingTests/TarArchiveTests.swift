import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct TarArchiveTests {
    /// Sizes around the block of 512 bytes, and a name that needs an extended header.
    static let files: [(name: String, bytes: [UInt8])] = [0, 1, 511, 512, 513, 70_000].map { size in
        let folder = size == 512 ? String(repeating: "long/", count: 40) : "./short/"
        return (
            "\(folder)\(size).bin", (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }
        )
    }

    @Test(arguments: [false, true])
    func filesAreReadInAnyOrder(compressed: Bool) throws {
        try withTemporaryFolder { folder in
            let bytes = tar(Self.files)
            let archive = try TarArchive(write(compressed ? gzip(bytes) : bytes, folder, "x.tar"))
            #expect(try archive.files().count == Self.files.count)
            for (name, bytes) in Self.files.reversed() + Self.files {
                let name = name.hasPrefix("./") ? String(name.dropFirst(2)) : name
                #expect(try archive.contents(of: name) == bytes, "\(name)")
            }
            #expect(
                message { _ = try archive.contents(of: "none") }
                    == "could not read, \(folder)/x.tar: none: it is not in the archive")
        }
    }

    /// The files a/0.bin and b/1.bin, compressed by Python's modules and zstd.
    private static let compressed: [(name: String, base64: String)] = [
        (
            "bzip2",
            """
            QlpoOTFBWSZTWZitSLoAAE9bgMmAQAHngAAgfyGeAAhIIAB0EpT1GQANNAY1BJKA9QaNBoANhw+7lMikEr4dDFgYxgXD\
            iTAMM+solAJB4oIRFEIlZc5RczE4LRxUG0BuTzqbQJTKU7K3yYvRjcQ/F3JFOFCQmK1Iug==
            """
        ),
        (
            "xz",
            """
            /Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4Av/AFldADCLwgMBGWUBU2PeyeFWaAJdU/3E7aJc5/IkjiQ/3TWFWM8jeGC/\
            /GuCsa0KfSwlUpth1OrT3sMg2Nw1doz/8wM5Z0FYga8kXDHxEeIKksd0mGlM8LY1i7/AAAAAAHuwH2/DMlu8AAF1gBgA\
            AABNh/G8scRn+wIAAAAABFla
            """
        ),
        (
            "zstd",
            """
            KLUv/QRolQIAYkMLEKDtyN82Pf0/+R2ghALwIwWpOaRWSYpjuI8t/34GbvSBM19+3+NWJXdjJ1yYDiDQ1zf9K3Cv1ph6\
            4THAAJS7r8I5JUGa0AMzTxgUYDmxOAItQxs=
            """
        ),
    ]

    @Test(arguments: compressed)
    func otherCompressionsAreRead(name: String, base64: String) throws {
        try withTemporaryFolder { folder in
            let bytes = [UInt8](try #require(Data(base64Encoded: base64)))
            let path = try write(bytes, folder, "no ending")
            #expect(SourceKind(path) == .tar, "\(name)")
            let archive = try TarArchive(path)
            #expect(try archive.contents(of: "b/1.bin") == Array("second".utf8), "\(name)")
            #expect(try archive.contents(of: "a/0.bin") == Array("first".utf8), "\(name)")
            let cut = try write(bytes.dropLast(bytes.count / 2), folder, "cut.tar")
            #expect(message { _ = try TarArchive(cut) }.hasPrefix("could not read archive, \(cut): "))
        }
    }

    @Test(arguments: [false, true])
    func aCutOffArchiveIsAnError(compressed: Bool) throws {
        try withTemporaryFolder { folder in
            let bytes = compressed ? gzip(tar(Self.files)) : tar(Self.files)
            let path = try write(bytes.prefix(bytes.count - 30_000), folder, "x.tar")
            let found = message {
                let archive = try TarArchive(path)
                _ = try archive.contents(of: "short/70000.bin")
            }
            #expect(found.hasPrefix("could not read"))
            #expect(found.contains(path))
        }
    }

    @Test func anotherFileIsRefused() throws {
        try withTemporaryFolder { folder in
            let path = try write(Array(repeating: 7, count: 4000), folder, "x.tar")
            #expect(
                message { _ = try TarArchive(path) }
                    == "could not read archive, \(path): Unrecognized archive format")
            #expect(
                message { _ = try TarArchive("no.tar") }
                    == "could not open, no.tar: no such file or directory")
        }
    }

    @Test func aDamagedImageIsNamedWithItsOffset() throws {
        try withTemporaryFolder { folder in
            let good = DecodedImages.file("rgb 4:2:0.jpg")
            let path = try write(
                tar([("a/1.jpg", good), ("b/2.jpg", Array(good.dropLast(30)))]), folder, "x.tar")
            let found = message { _ = try pack(ImageFolder(TarArchive(path)), folder) }
            let offset = 512 + (good.count + 511) / 512 * 512
            #expect(
                found
                    == "could not decode image, \(path), at byte \(offset): b/2.jpg: Premature end of JPEG file; "
                    + "replace the image, or leave it out with --on-bad skip")
        }
    }
}
