/// Recognises files that hold no model by their first bytes, and names the remedy.
enum FileKind {
    /// One line that follows the file's name in an error; it ends with the remedy.
    static func remark(on bytes: [UInt8]) -> String {
        for (signature, remark) in signatures where bytes.starts(with: signature) { return remark }
        if bytes.isEmpty { return "is empty: the download or the copy failed; get it again" }
        if bytes.count > 262, bytes[257..<262].elementsEqual("ustar".utf8) {
            return "is a tar archive; unpack it, and name the file of weights in it"
        }
        if bytes.count > 2, bytes[0] == 0x80, (2...5).contains(bytes[1]) {
            return """
                is a Python pickle, but not of torch.save; load it in Python, and save its weights with \
                torch.save(model.state_dict(), FILE)
                """
        }
        if bytes.count > 3, bytes[0] == 8, bytes[1] < 32, bytes[2] == 0x12 {
            return
                "looks like an ONNX model; save the weights of the PyTorch model with torch.save(model.state_dict(), FILE)"
        }
        return remarkOnText(bytes) ?? "is neither a file of torch.save nor one of safetensors"
    }

    private static let signatures: [([UInt8], String)] = [
        (
            [0x89, 0x48, 0x44, 0x46],
            "is an HDF5 file, such as a checkpoint of this program, which needs no import"
        ),
        ([0x1F, 0x8B], "is compressed by gzip; unpack it with gunzip, and name the unpacked file"),
        (
            [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0],
            "is compressed by xz; unpack it with unxz, and name the unpacked file"
        ),
        (Array("BZh".utf8), "is compressed by bzip2; unpack it with bunzip2, and name the unpacked file"),
        (
            [0x28, 0xB5, 0x2F, 0xFD],
            "is compressed by zstd; unpack it with unzstd, and name the unpacked file"
        ),
        ([0x37, 0x7A, 0xBC, 0xAF], "is a 7z archive; unpack it, and name the file of weights in it"),
        (Array("Rar!".utf8), "is a RAR archive; unpack it, and name the file of weights in it"),
        (
            [0x93] + Array("NUMPY".utf8),
            "is a NumPy array, without names; save the state dictionary with torch.save or safetensors"
        ),
        (
            Array("GGUF".utf8),
            "is a GGUF file of llama.cpp; name the file of torch.save or safetensors that it was made from"
        ),
        (
            Array("version https://git-lfs".utf8),
            "is a git-lfs pointer, not the file itself; fetch that with git lfs pull"
        ),
    ]

    private static func remarkOnText(_ bytes: [UInt8]) -> String? {
        let start = bytes.prefix(512)
        let isText = start.allSatisfy { $0 >= 32 && $0 != 127 || (9...13).contains($0) }
        guard isText else { return nil }
        var text = String(decoding: start, as: UTF8.self)[...]
        text = text.drop { $0.isWhitespace || $0 == "\u{FEFF}" }
        if text.first == "<" {
            return """
                is a web page or XML ('\(shown(String(text.prefix(40))))'), not a model: what was downloaded is a refusal or a \
                notice; open the address in a browser, and download the file itself
                """
        }
        if text.first == "{" || text.first == "[" {
            return
                "is JSON, but not the index of a model in shards: it has no weight_map; name the file of weights itself"
        }
        return "is text ('\(shown(String(text.prefix(40))))'), not a file of torch.save or safetensors"
    }
}
