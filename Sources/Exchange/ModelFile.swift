internal import Foundation

/// A tensor with its name in the file.
package struct NamedTensor: Sendable {
    package var name: String
    package var tensor: StoredTensor
}

/// An entry of a state dictionary that is not read.
package struct UnreadTensor: Equatable, Sendable {
    package var name: String
    /// Why it is not read; follows the name in a message.
    package var reason: String

    package init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }
}

/// The tensors of a file that another program wrote: `torch.save` or safetensors.
public struct ModelFile: Sendable {
    /// The format of a model file.
    public enum Format: String, Sendable {
        /// `torch.save` since PyTorch 1.6.
        case pytorch = "PyTorch (zip)"
        /// `torch.save` before PyTorch 1.6.
        case legacyPyTorch = "PyTorch (before 1.6)"
        /// Hugging Face's safetensors.
        case safetensors
    }

    /// The file, as the user gave it.
    public let path: String
    /// The format that the first bytes show.
    public let format: Format
    /// The tensors in the file's order; for safetensors, in the order of their offsets.
    package private(set) var tensors: [NamedTensor]
    /// Entries that are not tensors, or of an unsupported type; an error only if the network needs
    /// them.
    package private(set) var unread: [UnreadTensor]
    /// The keys that lead to the state dictionary, separated by dots; `nil` if the file itself is a
    /// state dictionary.
    public private(set) var key: String?
    /// Number of files that hold the tensors.
    public let shardCount: Int

    /// Reads a file of any of the formats, which is recognised by its first bytes, not its name.
    ///
    /// No code in the file is run, and memory is bounded by its length. For the index of a model in
    /// shards, all shards are read.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - key: Which of several state dictionaries, by its key (`state_dict_ema`, or `a.b` for a
    ///     nested one), or by the prefix of its tensors' names.
    /// - Throws: If the file cannot be read, has an unknown format or is damaged, or holds no state
    ///   dictionary or several.
    public init(path: String, key: String? = nil) throws(ExchangeError) {
        let bytes = try readWhole(path)
        try self.init(bytes: bytes, path: path, key: key)
        if shardCount == 1 { try Self.checkIsWhole(path) }
    }

    /// Parses the content of a file.
    ///
    /// - Parameters:
    ///   - path: The path of the file, for errors and for the shards of an index.
    ///   - key: As in `init(path:key:)`.
    package init(bytes: [UInt8], path: String, key: String? = nil) throws(ExchangeError) {
        let source: Source
        do {
            source = try Source(bytes, key: key)
        } catch {
            throw ExchangeError(path: path, reason: error.reason)
        }
        switch source {
        case .index(let index): try self.init(index, path: path, key: key)
        case .file(let format, let content):
            self.init(
                path: path, format: format, tensors: content.tensors, unread: content.unread,
                key: content.key)
            if let prefix = content.prefix { try keepPrefix(prefix) }
        }
    }

    init(
        path: String, format: Format, tensors: [NamedTensor], unread: [UnreadTensor], key: String? = nil,
        shardCount: Int = 1
    ) {
        self.path = path
        self.format = format
        self.tensors = tensors
        self.unread = unread
        self.key = key
        self.shardCount = shardCount
    }

    /// Keeps the tensors whose names begin with `prefix` and a dot.
    mutating func keepPrefix(_ prefix: String) throws(ExchangeError) {
        let start = prefix.hasSuffix(".") ? prefix : prefix + "."
        let kept = tensors.filter { $0.name.hasPrefix(start) }
        guard !kept.isEmpty else {
            throw ExchangeError(
                path: path,
                reason: """
                    has no state dictionary with the key '\(shown(prefix))', and no tensor whose name begins with it; its \(tensors.count) \
                    tensors are \(shownList(tensors.map(\.name)))
                    """)
        }
        tensors = kept
        unread = unread.filter { $0.name.hasPrefix(start) }
    }

}

extension ModelFile {
    /// The parsed content of a file: tensors, or the index of a model in shards.
    private enum Source {
        case file(Format, FileContent)
        case index(ShardIndex)

        init(_ bytes: [UInt8], key: String?) throws(FormatError) {
            switch ModelFile.format(of: bytes) {
            case .pytorch: self = .file(.pytorch, try PyTorchArchive.content(bytes, key: key))
            case .legacyPyTorch: self = .file(.legacyPyTorch, try LegacyPyTorchFile.content(bytes, key: key))
            case .safetensors:
                self = .file(.safetensors, FileContent(tensors: try SafeTensors.tensors(bytes), prefix: key))
            case nil:
                guard let index = try ShardIndex(bytes) else { throw FormatError(FileKind.remark(on: bytes)) }
                self = .index(index)
            }
        }
    }

    /// The format by the first bytes; `nil` if the file holds no tensors.
    static func format(of bytes: [UInt8]) -> Format? {
        if bytes.starts(with: [0x50, 0x4B, 3, 4]) { return .pytorch }
        if LegacyPyTorchFile.headerByteCount(bytes) != nil { return .legacyPyTorch }
        return SafeTensors.isPlausible(bytes) ? .safetensors : nil
    }
}

/// The content of a file, without its path.
struct FileContent {
    var tensors: [NamedTensor]
    var unread: [UnreadTensor] = []
    var key: String?
    /// The rest of a requested key that leads to no dictionary: the prefix of the tensors' names.
    var prefix: String?
}

/// Reads a whole file into memory.
func readWhole(_ path: String) throws(ExchangeError) -> [UInt8] {
    // Without O_NONBLOCK, open would block on a FIFO without a writer.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { _ = close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable(path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw ExchangeError(
            path: path, reason: "is not a regular file; name a file of torch.save or safetensors")
    }
    let count = Int(status.st_size)
    guard count <= fileLimit else {
        throw ExchangeError(path: path, reason: "has \(count) bytes, expected at most \(fileLimit)")
    }
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
        while initialized < count {
            let got = unsafe read(descriptor, buffer.baseAddress! + initialized, count - initialized)
            if got <= 0 { break }
            initialized += got
        }
    }
    guard bytes.count == count else { throw unreadable(path) }
    return bytes
}

/// Far above the size of the largest network here, with 45 million parameters.
private let fileLimit = 16 << 30

private func unreadable(_ path: String) -> ExchangeError {
    ExchangeError(
        path: path, reason: "could not be read: \(unsafe String(cString: strerror(errno)).lowercased())")
}
