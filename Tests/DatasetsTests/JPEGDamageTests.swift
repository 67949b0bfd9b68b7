import Checksums
import DatasetSamples
import Datasets
import Memory
import Numerics
import Testing

/// A JPEG file counts as intact if every coefficient can be read, whatever its other bytes are; it
/// then has the same pixels.
@Suite(.timeLimit(.minutes(30))) struct JPEGDamageTests {
    static let names = [
        "photo.jpg", "photo restart.jpg", "photo optimised grey.jpg", "photo progressive.jpg",
    ]

    private func checkIsWhole(_ file: [UInt8], as name: String, _ what: String) throws {
        let whole = try #require(BadImages.all.good[name])
        let image = try RGBImage(decoding: file, place: "\(name), \(what)")
        #expect(CRC64(image.bytes).hexadecimal == whole.checksum, "\(name), \(what)")
        // Training accepts every file that packing accepts, with the same pixels.
        #expect(try levels(file) == image.bytes, "\(name), \(what)")
    }

    private func checkIsDamaged(_ file: [UInt8], _ what: String, saying reason: String = "") {
        let error = #expect(
            throws: DatasetError.self, "\(what)", performing: { try RGBImage(decoding: file, place: "x") })
        #expect(error?.reason.hasPrefix(reason) != false, "\(what): \(error?.reason ?? "")")
        #expect(throws: DatasetError.self, "\(what)", performing: { try levels(file) })
    }

    /// The pixels of a transform that uses the whole image.
    private func levels(_ file: [UInt8]) throws -> [UInt8] {
        let workspace = ImageWorkspace()
        let place = { "x" }
        workspace.holdFile(byteCount: file.count, place: place) { bytes in
            for i in file.indices { bytes[i] = file[i] }
        }
        // Two overlapping squares side by side; of the second, only the part that the first lacks.
        let (left, right) = (try square(workspace, x: 0), try square(workspace, x: 32))
        var levels: [UInt8] = []
        for row in 0..<64 {
            levels += left[row * 192..<row * 192 + 192]
            levels += right[row * 192 + 96..<row * 192 + 192]
        }
        return levels
    }

    private func square(_ workspace: ImageWorkspace, x: Int) throws -> [UInt8] {
        let transform = SquareTransform(box: PixelBox(x: x, y: 0, width: 64, height: 64))
        var pixels = Buffer<Float>(count: 64 * 64 * 3, repeating: 0)
        var span = pixels.mutableSpan
        try workspace.write(transform, stream: RandomStream(seed: 0, purpose: .test), into: &span)
        return pixels.copyToArray().map { UInt8(($0 * 255).rounded()) }
    }

    @Test(arguments: names)
    func bytesBetweenSegmentsAreHarmless(name: String) throws {
        let file = try Self.file(name)
        // Junk before the first marker makes it another kind of file, also for Pillow.
        for marker in try Self.markers(of: file).dropFirst() {
            for junk in [
                [1], [UInt8](repeating: 0x11, count: 9), [UInt8](repeating: 0, count: 37),
                [0xFF, 0, 0xFF, 0],
            ] {
                try checkIsWhole(
                    Array(file[..<marker.offset]) + junk + file[marker.offset...], as: name,
                    "\(junk) before \(marker.code) at \(marker.offset)")
            }
        }
    }

    @Test(arguments: names)
    func theEndMarkMayBeMissing(name: String) throws {
        let file = try Self.file(name)
        try checkIsWhole(Array(file.dropLast(2)), as: name, "no end mark")
        try checkIsWhole(Array(file.dropLast()), as: name, "half an end mark")
        try checkIsWhole(
            Array(file.dropLast(2)) + [UInt8](repeating: 0, count: 200), as: name, "zeros for it")
        try checkIsWhole(file + Array("camera".utf8), as: name, "bytes behind it")
    }

    @Test(arguments: names)
    func anOverwrittenTailIsDamage(name: String) throws {
        let file = try Self.file(name)
        let scan = try #require(try Self.markers(of: file).first { $0.code == 0xDA }).offset + 14
        var random = RandomStream(seed: 3, purpose: .test)
        // A few random bytes may happen to be valid codes.
        for part in 1..<7 {
            let start = scan + (file.count - 2 - scan) * part / 8
            let count = file.count - 2 - start
            for (what, tail) in [
                ("zeros", [UInt8](repeating: 0, count: count)),
                ("0x55", [UInt8](repeating: 0x55, count: count)),
                ("random bytes", (0..<count).map { _ in UInt8(random.integer(below: 256)) }),
                ("random bytes but 255", (0..<count).map { _ in UInt8(random.integer(below: 255)) }),
            ] {
                checkIsDamaged(
                    Array(file[..<start]) + tail + [0xFF, 0xD9], "\(name), \(what) from \(start) on")
                checkIsDamaged(Array(file[..<start]) + tail, "\(name), \(what) from \(start) to the end")
            }
        }
    }

    @Test(arguments: names)
    func aCutIsDamageWithAndWithoutAnEndMark(name: String) throws {
        let file = try Self.file(name)
        let scan = try #require(try Self.markers(of: file).first { $0.code == 0xDA }).offset + 14
        for part in 1..<8 {
            let start = scan + (file.count - 2 - scan) * part / 8
            checkIsDamaged(Array(file[..<start]), "\(name), cut at \(start)")
            checkIsDamaged(Array(file[..<start]) + [0xFF, 0xD9], "\(name), cut and ended at \(start)")
        }
    }

    @Test func aMisnumberedRestartMarkerIsHarmlessAndALostOneIsNot() throws {
        let name = "photo restart.jpg"
        let file = try Self.file(name)
        let marker = try #require(file.indices.dropLast().first { file[$0] == 0xFF && file[$0 + 1] == 0xD1 })
        var changed = file
        changed[marker + 1] = 0xD5
        try checkIsWhole(changed, as: name, "RST5 for RST1")
        checkIsDamaged(
            Array(file[..<marker]) + file[(marker + 2)...], "no RST1", saying: "Corrupt JPEG data: ")
        let next = try #require(file.indices.dropLast().first { file[$0] == 0xFF && file[$0 + 1] == 0xD2 })
        checkIsDamaged(
            Array(file[..<marker]) + file[next...], "no second interval",
            saying: "Corrupt JPEG data: found marker 0xd2")
        checkIsDamaged(
            Array(file[..<marker]) + [UInt8](repeating: 0x11, count: 40) + file[marker...],
            "bytes before RST1",
            saying: "Corrupt JPEG data: ")
    }

    @Test func aScanThatIsLostShowsIfAnythingElseIsOdd() throws {
        let name = "photo progressive.jpg"
        let file = try Self.file(name)
        let last = try #require(try Self.markers(of: file).last { $0.code == 0xC4 })
        checkIsDamaged(Array(file[..<last.offset]), "no last scan and no end mark", saying: "Premature end")
        checkIsDamaged(
            Array(file[..<last.offset]) + [UInt8](repeating: 1, count: 20) + [0xFF, 0xD9],
            "bytes for the last scan")
    }

    @Test func aTinyFileTakesNoMemoryForManyPixels() throws {
        var file = try Self.file("photo progressive.jpg")
        let frame = try #require(try Self.markers(of: file).first { $0.code == 0xC2 })
        file.replaceSubrange(frame.offset + 5..<frame.offset + 9, with: [0x30, 0, 0x30, 0])
        checkIsDamaged(
            file, "12288×12288", saying: "its \(file.count) bytes are too few for 12288×12288 pixels")
    }

    private static func file(_ name: String) throws -> [UInt8] {
        [UInt8](try #require(BadImages.all.good[name]).file)
    }

    /// The markers after the first two bytes, without restart markers.
    private static func markers(of file: [UInt8]) throws -> [(code: UInt8, offset: Int)] {
        var markers: [(code: UInt8, offset: Int)] = []
        var offset = 2
        while offset + 1 < file.count {
            try #require(file[offset] == 0xFF)
            markers.append((file[offset + 1], offset))
            if file[offset + 1] == 0xD9 { break }
            offset += 2 + Int(file[offset + 2]) << 8 + Int(file[offset + 3])
            guard markers.last?.code == 0xDA else { continue }
            while file[offset] != 0xFF || file[offset + 1] == 0 || (0xD0...0xD7).contains(file[offset + 1]) {
                offset += 1
            }
        }
        return markers
    }
}

/// Crops a square without resizing.
private struct SquareTransform: ImageTransform {
    let box: PixelBox
    let size = 64
    let normalization = ChannelNormalization(mean: [0, 0, 0], deviation: [1, 1, 1])

    func geometry(width: Int, height: Int, stream: RandomStream) -> CropGeometry {
        CropGeometry(box: box, width: size, height: size)
    }
}
