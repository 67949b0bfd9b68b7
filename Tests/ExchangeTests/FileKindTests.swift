import Exchange
import Foundation
import Testing

/// Files that are not models: the error names the kind of file and the remedy.
@Suite(.timeLimit(.minutes(30))) struct FileKindTests {
    private static let files: [([UInt8], String)] = [
        ([], "is empty: the download or the copy failed; get it again"),
        (
            Array("<html>Google Drive quota exceeded</html>".utf8),
            "is a web page or XML ('<html>Google Drive quota exceeded</html>'), not a model: "
        ),
        (Array("\n <!DOCTYPE html>".utf8), "is a web page or XML ('<!DOCTYPE html>'), not a model: "),
        (Array("<?xml version='1.0'?><Error>".utf8), "is a web page or XML ("),
        (
            Array("version https://git-lfs.github.com/spec/v1\noid sha256:x\nsize 1\n".utf8),
            "is a git-lfs pointer, not the file itself; fetch that with git lfs pull"
        ),
        ([0x1F, 0x8B, 8, 0], "is compressed by gzip; unpack it with gunzip"),
        (Array("BZh9".utf8), "is compressed by bzip2; "),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "is compressed by xz; "),
        ([UInt8](repeating: 0, count: 257) + Array("ustar\u{0}00".utf8), "is a tar archive; unpack it"),
        ([0x93] + Array("NUMPY\u{1}".utf8), "is a NumPy array"),
        (Array("{\"a\": 1}".utf8), "is JSON, but not the index of a model in shards"),
        (Array("Access denied\u{A}".utf8), "is text ('Access denied"),
        ([0x80, 4, 0x7D, 0x2E], "is a Python pickle, but not of torch.save; "),
        ([8, 9, 0x12, 7, 0x70, 0x79, 0x74, 0x6F], "looks like an ONNX model; "),
        ([1, 2, 3], "is neither a file of torch.save nor one of safetensors"),
    ]

    @Test(arguments: files)
    func isSaidAsWhatItIs(bytes: [UInt8], reason: String) {
        let found = refusal(bytes)
        #expect(found.hasPrefix(reason), "\(found)")
    }

    @Test func archivesThatAreOfOtherProgramsAreSaid() {
        let entry = { (name: String) in HostileZip.Entry(name: name, content: []) }
        #expect(
            refusal(HostileZip([entry("conv1.weight.npy")]).bytes).hasPrefix("is a NumPy archive (.npz)"))
        #expect(
            refusal(HostileZip([entry("a/best.pth")]).bytes).hasSuffix(
                "there is no data.pkl in it; unpack it, and name one of a/best.pth"))
        // TorchScript compresses its code; an entry that is not read may be compressed.
        let code = HostileZip.Entry(
            name: "m/code/__torch__/m.py", content: [1, 2], method: 8, size: 500, packedSize: 2)
        #expect(
            refusal(HostileZip([entry("m/data.pkl"), code]).bytes)
                == "is a TorchScript program; expected its weights alone, saved with torch.save(torch.jit.load(FILE).state_dict(), OTHER)"
        )
    }
}
