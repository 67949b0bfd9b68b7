import Exchange
import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(30))) struct ModelFileTests {
    @Test(arguments: ModelFileCase.all)
    func everyTensorHasItsNameTypeShapeAndBits(_ expected: ModelFileCase) throws {
        let model = try ModelFile(bytes: [UInt8](expected.file), path: "x")
        #expect(model.format.rawValue == expected.format)
        let isOrdered = model.format != .safetensors
        let tensors = isOrdered ? model.tensors : model.tensors.sorted { $0.name < $1.name }
        let others = isOrdered ? expected.tensors : expected.tensors.sorted { $0.name < $1.name }
        #expect(tensors.map(\.name) == others.map(\.name))
        for (found, other) in zip(tensors, others) {
            #expect(found.tensor.elementType.rawValue == other.type, "\(other.name)")
            #expect(found.tensor.shape == other.shape, "\(other.name)")
            #expect(
                found.tensor.floats().map(\.bitPattern) == other.values.map(\.bitPattern), "\(other.name)")
        }
    }

    /// A file truncated at any length, or with a flipped bit in any byte, gives an error or
    /// tensors, never a crash.
    @Test(arguments: ModelFileCase.all.filter { $0.name != "nested" })
    func everyCutAndEveryByteIsAnErrorOrAModelNeverACrash(_ expected: ModelFileCase) throws {
        let bytes = [UInt8](expected.file)
        for count in stride(from: 0, to: bytes.count, by: 3) {
            #expect(throws: ExchangeError.self) {
                try ModelFile(bytes: Array(bytes.prefix(count)), path: "x")
            }
        }
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= index.isMultiple(of: 2) ? 0xFF : 1
            guard let model = try? ModelFile(bytes: damaged, path: "x") else { continue }
            for named in model.tensors { #expect(named.tensor.floats().count == named.tensor.count) }
        }
    }

    /// CRC-32 detects damage in the entries of a zip archive; the format before PyTorch 1.6 and
    /// safetensors have no checksums.
    @Test func aTurnedBitInAStorageIsFound() throws {
        let bytes = ModelFileCase.bytes("types", "PyTorch (zip)")
        let start = try #require(bytes.firstRange(of: Array("data/0FB".utf8))).upperBound
        var damaged = bytes
        damaged[start + 64] ^= 4
        let reason = refusal(damaged)
        #expect(
            reason.hasPrefix("'archive/data/0' does not match its CRC-32: the file is damaged"), "\(reason)")
    }

    @Test(arguments: [
        ("\u{1F}HDF", "is neither a file of torch.save nor one of safetensors"),
        ("PK\u{3}\u{4}", "the zip archive has no end record: the file is cut off, or bytes follow it"),
    ])
    func whatIsNoModelFileIsSaid(text: String, reason: String) {
        #expect(refusal(Array(text.utf8)) == reason)
    }

    @Test func whatCannotBeReadIsSaid() throws {
        try withTemporaryFolder { folder in
            #expect(
                throws: ExchangeError(
                    path: "\(folder)/x", reason: "could not be read: no such file or directory")
            ) {
                try ModelFile(path: "\(folder)/x")
            }
            let reason = "is not a regular file; name a file of torch.save or safetensors"
            #expect(throws: ExchangeError(path: folder, reason: reason)) { try ModelFile(path: folder) }
        }
    }
}

/// The reason why a file is refused; the test fails if it is not refused.
func refusal(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) -> String {
    #expect(throws: ExchangeError.self, sourceLocation: sourceLocation) {
        try ModelFile(bytes: bytes, path: "x")
    }?.reason ?? ""
}
