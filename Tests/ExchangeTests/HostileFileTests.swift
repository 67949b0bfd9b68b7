import Exchange
import Foundation
import Testing

/// Malicious or malformed files: each is refused with an error that names the problem.
@Suite(.timeLimit(.minutes(30))) struct HostileFileTests {
    private static func pickle(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// A state dictionary of one tensor, in protocol 0.
    private static func tensor(
        storage: String = "S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\n", offset: String = "I0\n",
        shape: String = "I2\nI2\n", strides: String = "I2\nI1\n"
    ) -> [UInt8] {
        pickle(
            "(S'w'\nctorch._utils\n_rebuild_tensor_v2\n((\(storage)tQ\(offset)(\(shape)t(\(strides)tI00\nNtRd."
        )
    }

    private static let sixteen = ["0": [UInt8](repeating: 0, count: 16)]

    // MARK: - Pickles

    @Test func aPlainOneIsTaken() throws {
        let model = try ModelFile(
            bytes: HostileZip(pickle: Self.tensor(), storages: Self.sixteen).bytes, path: "x")
        #expect(model.tensors.map(\.name) == ["w"] && model.tensors[0].tensor.shape == [2, 2])
    }

    @Test func anArchiveWithTheRecordsOfALargeOneIsTaken() throws {
        var archive = HostileZip(pickle: Self.tensor(), storages: Self.sixteen)
        archive.isLong = true
        #expect(try ModelFile(bytes: archive.bytes, path: "x").tensors.map(\.name) == ["w"])
        archive.longOffset = 1
        #expect(refusal(archive.bytes) == "the zip64 end is not where the archive says")
        archive.longOffset = -1 << 62
        #expect(refusal(archive.bytes).hasSuffix("bytes, which is not a valid size"))
    }

    @Test func theOrderOfBytesIsTheFiles() throws {
        let numbers: [Float] = [1, -2.5, 1e-3, 7]
        let content = numbers.flatMap { little(Int($0.bitPattern), 4).reversed() }
        var archive = HostileZip(pickle: Self.tensor(), storages: ["0": content])
        archive.entries.append(Entry(name: "archive/byteorder", content: Array("big".utf8)))
        #expect(try ModelFile(bytes: archive.bytes, path: "x").tensors[0].tensor.floats() == numbers)
        archive.entries[2].content = Array("odd".utf8)
        #expect(refusal(archive.bytes) == "the order of bytes is 'odd', expected little or big")
    }

    @Test(arguments: [
        ("cos\nsystem\n(S'touch /tmp/owned'\ntR.", "os.system"),
        ("cposix\nsystem\n(S'true'\ntR.", "posix.system"),
        ("c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval"),
        ("cbuiltins\nexec\n(S'1'\ntR.", "builtins.exec"),
        ("c__builtin__\ngetattr\n(cos\nS'system'\ntR.", "__builtin__.getattr"),
        ("csubprocess\nPopen\n((S'true'\nltR.", "subprocess.Popen"),
        ("ctorch.hub\nload\n(S'x'\ntR.", "torch.hub.load"),
        ("ctorch\nload\n(S'x'\ntR.", "torch.load"),
        ("ctorch.storage\n_load_from_bytes\n(S'x'\ntR.", "torch.storage._load_from_bytes"),
        (
            "ctorch._utils\n_rebuild_tensor_v2.__globals__\n(tR.",
            "torch._utils._rebuild_tensor_v2.__globals__"
        ),
        ("\u{80}\u{4}\u{8C}\u{2}os\u{8C}\u{6}system\u{93}(tR.", "os.system"),
        ("c__main__\nResNet\n)\u{81}.", "__main__.ResNet"),
    ])
    func whatAPickleWouldCallIsNamedAndNeverRun(text: String, name: String) throws {
        // Each character is a byte.
        let pickle = text.unicodeScalars.map { UInt8($0.value) }
        let reason = refusal(HostileZip(pickle: pickle).bytes)
        #expect(
            reason.hasPrefix(
                "holds no state dictionary; what was saved is made by \(name), which is kept as a name and never run;"
            ), "\(reason)")
        #expect(refusal(legacy(pickle + Self.pickle("(l."))) == reason)
        #expect(!FileManager.default.fileExists(atPath: "/tmp/owned"))
    }

    @Test func aBombOfReferencesIsRefused() {
        // Each tuple holds the previous one ten times: 10⁹ elements after nine levels.
        let tenfold = "(" + String(repeating: "NNNNNNNNNN", count: 1) + "t"
        let bomb =
            tenfold + (0..<9).map { "p\($0)\n0(" + String(repeating: "g\($0)\n", count: 10) + "t" }.joined()
            + "."
        #expect(
            refusal(HostileZip(pickle: Self.pickle(bomb)).bytes).hasPrefix("holds no state dictionary"))
    }

    @Test func aBombOfCallsIsRefused() {
        let count = 100_000
        let bomb =
            String(repeating: "ccollections\nOrderedDict\n(", count: count) + "N"
            + String(repeating: "tR", count: count) + "."
        #expect(
            refusal(HostileZip(pickle: Self.pickle(bomb)).bytes).hasPrefix("holds no state dictionary"))
    }

    @Test func whatHoldsItselfIsRefused() {
        let pickle = Self.pickle("(dp0\nS'net'\ng0\ns.")
        #expect(
            refusal(HostileZip(pickle: pickle).bytes).hasPrefix(
                "holds no state dictionary, but the keys net ('net' is left out: a container holds itself)"))
    }

    @Test func aTextLongerThanTheFileIsRefused() {
        let pickle = [UInt8(ascii: "X"), 0xFF, 0xFF, 0xFF, 0x7F, 0x61]
        #expect(
            refusal(HostileZip(pickle: pickle).bytes).hasSuffix("2147483647 bytes are announced, 1 are left"))
    }

    // MARK: - Tensors

    @Test(arguments: [
        (tensor(offset: "I-1\n"), "tensor 'w' has a negative size: shape [2, 2], offset -1"),
        (tensor(shape: "I-2\nI2\n"), "tensor 'w' has a negative size: shape [-2, 2], offset 0"),
        (tensor(strides: "I-2\nI1\n"), "tensor 'w' has a negative size: shape [2, 2], offset 0"),
        (
            tensor(offset: "I1\n"),
            "tensor 'w' of shape [2, 2], strides [2, 1] and offset 1 exceeds its storage of 4 elements"
        ),
        (
            tensor(strides: "I9223372036854775807\nI1\n"),
            "tensor 'w' of shape [2, 2], strides [9223372036854775807, 1] and offset 0 exceeds its storage of 4 elements"
        ),
        (
            tensor(shape: "I1000000000\nI2\n", strides: "I0\nI0\n"),
            "tensor 'w' of shape [1000000000, 2] has more elements than its storage's 4; save tensor.contiguous() instead"
        ),
        (
            tensor(shape: "I4294967296\nI4294967296\n"),
            "tensor 'w' of shape [4294967296, 4294967296] has more elements than its storage's 4"
        ),
        (tensor(strides: "I1\nI1\n"), "tensor 'w' has elements that overlap: shape [2, 2], strides [1, 1]"),
        (tensor(strides: "I0\nI1\n"), "tensor 'w' has elements that overlap: shape [2, 2], strides [0, 1]"),
        (tensor(strides: "I1\n"), "tensor 'w' has 2 axes with other strides, or more than 16"),
        (
            tensor(storage: "S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI-4\n"),
            "storage '0' has a negative size: -4 elements"
        ),
        (
            tensor(storage: "S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI1000000000\n"),
            "storage '0' of tensor 'w' has 16 bytes, expected 1000000000 elements of 4"
        ),
        (
            tensor(storage: "S'storage'\nctorch\nFloatStorage\nS'../../etc/passwd'\nS'cpu'\nI4\n"),
            "there is no 'archive/data/../../etc/passwd' in the zip archive"
        ),
        (
            tensor(storage: "S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\n(S'v'\nI3\nI2\nt"),
            "storage '0' has a view beyond its 4 elements"
        ),
        (tensor(storage: "S'module'\n"), "a reference to a storage is malformed"),
    ])
    func aTensorThatCannotBeIsNamed(pickle: [UInt8], reason: String) {
        #expect(refusal(HostileZip(pickle: pickle, storages: Self.sixteen).bytes) == reason)
    }

    // MARK: - Zip archives

    private typealias Entry = HostileZip.Entry

    @Test(arguments: ["../data.pkl", "/etc/passwd", "a/../../b", "a\\..\\b", "./a", "a//b", "a\u{0}b", ""])
    func aNameThatLeavesTheArchiveIsRefused(name: String) {
        var archive = HostileZip(pickle: Self.tensor(), storages: Self.sixteen)
        archive.entries.append(Entry(name: name, content: [1]))
        let reason = refusal(archive.bytes)
        #expect(reason.hasSuffix("has a name that leaves the archive's folder"), "\(reason)")
    }

    @Test func aCompressedEntryIsRefusedBeforeAnythingIsInflated() {
        // A decompression bomb: ten stored bytes that the directory declares as 4 GB.
        var archive = HostileZip(pickle: Self.tensor())
        archive.entries.append(
            Entry(
                name: "archive/data/0", content: [UInt8](repeating: 0, count: 10), method: 8,
                size: 4_000_000_000, packedSize: 10))
        #expect(
            refusal(archive.bytes)
                == "zip entry 'archive/data/0' is compressed (method 8, 10 to 4000000000 bytes), expected stored bytes as torch.save writes them; unpack the archive, and pack it again with zip -0 -r"
        )
    }

    @Test func entriesThatShareBytesAreRefused() {
        var archive = HostileZip(pickle: Self.tensor(), storages: Self.sixteen)
        var copy = archive.entries[1]
        copy.name = "archive/data/0"
        copy.startsAt = 1
        archive.entries.append(copy)
        #expect(
            refusal(archive.bytes)
                == "zip entries 'archive/data/0' and 'archive/data/0' overlap: they share bytes of the file")
        // Nested entries: the size of the first covers the header of the second.
        var nested = HostileZip(pickle: Self.tensor(), storages: Self.sixteen)
        nested.entries[0].size = nested.entries[0].content.count + 60
        #expect(
            refusal(nested.bytes)
                == "zip entries 'archive/data.pkl' and 'archive/data/0' overlap: they share bytes of the file"
        )
    }

    @Test func otherTricksOfArchivesAreRefused() {
        func refused(_ change: (inout HostileZip) -> Void) -> String {
            var archive = HostileZip(pickle: Self.tensor(), storages: Self.sixteen)
            change(&archive)
            return refusal(archive.bytes)
        }
        #expect(
            refused { $0.entries[1].localName = "archive/data/9" }
                == "zip entry 'archive/data/0' has another name in its local header")
        #expect(refused { $0.entries.append($0.entries[0]) } == "zip entry 'archive/data.pkl' occurs twice")
        #expect(refused { $0.entries[1].flags = 1 } == "zip entry 'archive/data/0' is encrypted")
        #expect(
            refused { $0.entries[1].size = 4_000_000_000 }
                .hasPrefix("zip entry 'archive/data/0' is cut off: 4000000000 bytes are announced at byte "))
        #expect(
            refused { $0.entries[1].extra = little(1, 2) + little(200, 2) }
                == "zip entry 'archive/data/0' is cut off: 200 bytes are announced at byte 349")
        #expect(
            refused { $0.entries[1].checksum = 1 }.hasPrefix("'archive/data/0' does not match its CRC-32"))
        #expect(refused { $0.disk = 1 } == "the zip archive is one of several disks")
        #expect(
            refused { $0.tail = [0] }
                == "the zip archive has no end record: the file is cut off, or bytes follow it")
        #expect(refused { $0.count = 60_000 }.hasPrefix("the zip directory is cut off: "))
        #expect(
            refused { $0.count = 1 } == "the zip directory holds more than the 1 entries it announces")
        #expect(refused { $0.directoryOffset = -1 }.hasSuffix("which does not end at 345"))
    }

    @Test func anArchiveThatIsNoModelIsSaid() {
        let entry = { (name: String) in Entry(name: name, content: []) }
        #expect(
            refusal(HostileZip([entry("a/b.txt")]).bytes)
                == "is a zip archive, but not of torch.save: there is no data.pkl in it")
        #expect(
            refusal(HostileZip([entry("a/data.pkl"), entry("b/data.pkl")]).bytes)
                == "is a zip archive with 2 files data.pkl, expected one, in one folder")
        #expect(
            refusal(HostileZip([entry("a/data.pkl"), entry("a/constants.pkl")]).bytes)
                == "is a TorchScript program; expected its weights alone, saved with torch.save(torch.jit.load(FILE).state_dict(), OTHER)"
        )
    }

    // MARK: - Format before PyTorch 1.6

    /// The first three pickles, then `rest`.
    private func legacy(_ rest: [UInt8]) -> [UInt8] {
        [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
            + Self.pickle("I1001\n.(S'little_endian'\nI01\nd.") + rest
    }

    @Test func aStorageOfNoClassIsRefused() {
        let tensor = Self.tensor(storage: "S'storage'\nctorch\nSize\nS'0'\nS'cpu'\nI4\n")
        // In a zip archive the tensor is only unread; in the format before 1.6 the offsets of the
        // storages after it are unknown.
        #expect(throws: Never.self) {
            let model = try ModelFile(
                bytes: HostileZip(pickle: tensor, storages: Self.sixteen).bytes, path: "x")
            #expect(model.tensors.isEmpty && model.unread.map(\.name) == ["w"])
        }
        #expect(
            refusal(legacy(tensor + Self.pickle("(S'0'\nl.") + little(4, 8)))
                == "storage '0' is a torch.Size, which is not a storage class")
    }

    @Test func storagesOfTheOldFormatThatOverlapOrLieAreRefused() {
        let tensor = Self.tensor(storage: "S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\nN")
        let zeros = [UInt8](repeating: 0, count: 16)
        func refused(_ keys: String, _ rest: [UInt8]) -> String {
            refusal(legacy(tensor + Self.pickle(keys) + rest))
        }
        let one = "(S'0'\nl."
        #expect(throws: Never.self) {
            try ModelFile(bytes: legacy(tensor + Self.pickle(one) + little(4, 8) + zeros), path: "x")
        }
        #expect(refused(one, little(-4, 8) + zeros) == "storage '0' holds -4 elements, expected 4")
        #expect(
            refused(one, little(1 << 62, 8)) == "storage '0' holds 4611686018427387904 elements, expected 4")
        #expect(refused(one, little(4, 8) + zeros.dropLast()).hasPrefix("the storages is cut off: 16 bytes"))
        #expect(refused(one, little(4, 8) + zeros + [0]) == "1 bytes follow the last storage")
        #expect(
            refused("(S'0'\nS'0'\nl.", little(4, 8) + zeros + little(4, 8) + zeros)
                == "storage '0' occurs twice, or is larger than any file")
        #expect(refused("(S'9'\nl.", []) == "a storage is listed that no tensor uses")
        #expect(refused("(l.", []) == "there is no storage '0'")
        let two =
            "(S'a'\n(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\nNtQS'b'\n(S'storage'\nctorch\nLongStorage\nS'0'\nS'cpu'\nI2\nNtQd."
        #expect(
            refusal(legacy(Self.pickle(two + one) + little(4, 8) + zeros))
                == "storage '0' is named with two types or sizes: storages overlap")
    }

    // MARK: - safetensors

    private func safetensors(_ header: String, _ content: [UInt8] = []) -> [UInt8] {
        little(header.utf8.count, 8) + Array(header.utf8) + content
    }

    @Test(arguments: [
        (
            #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4,
            "tensor 'a' of shape [2] has more elements than its storage's 1"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,4]}}"#, 4,
            "tensor 'a' of shape [0] has 4 bytes"
        ),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5, "1 bytes belong to no tensor"),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8,
            "tensor 'a' lies at bytes 4 to 8 of 8, expected from 0: tensors overlap, leave holes or the file is cut off"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            4,
            "tensor 'b' lies at bytes 0 to 4 of 4, expected from 4: tensors overlap, leave holes or the file is cut off"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,-4]}}"#, 4,
            "tensor 'a' has data_offsets [0, -4], expected two sizes"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4,
            "tensor 'a' has a negative size: shape [-1], offset 0"
        ),
        (
            #"{"a":{"dtype":"F8","shape":[4],"data_offsets":[0,4]}}"#, 4,
            "tensor 'a' is of type F8, expected one of BF16, BOOL, F16, F32, F64, I16, I32, I64, I8, U8"
        ),
        (
            #"{"a":{"dtype":"F32"}}"#, 0,
            "its header is not a JSON object of tensors with dtype, shape and data_offsets: the file is damaged"
        ),
        (
            #"{"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,4]}}"#,
            4,
            "tensor 'a' of shape [4611686018427387904, 4611686018427387904] has more elements than its storage's 1"
        ),
    ])
    func aSafetensorsHeaderThatLiesIsRefused(header: String, count: Int, reason: String) {
        #expect(refusal(safetensors(header, [UInt8](repeating: 0, count: count))) == reason)
    }

    @Test func aHeaderThatIsTooLongOrDeepIsRefused() {
        let long = little(100_000_001, 8) + Array("{\"".utf8)
        #expect(refusal(long) == "is neither a file of torch.save nor one of safetensors")
        let cut = little(1_000_000, 8) + Array("{\"".utf8)
        #expect(refusal(cut) == "the header is cut off: 1000000 bytes are announced at byte 8")
        let deep = "{\"a\":" + String(repeating: "[", count: 1_000_000)
        #expect(refusal(safetensors(deep)).hasPrefix("its header is not a JSON object of tensors"))
    }
}
