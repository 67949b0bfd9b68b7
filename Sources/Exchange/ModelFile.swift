internal import Foundation

/// A tensor with the name it has in its file.
public struct NamedTensor: Sendable {
    public var name: String
    public var tensor: StoredTensor
}

/// What stands under a name in a state dictionary and is not read.
public struct UnreadTensor: Equatable, Sendable {
    public var name: String
    /// What it is, to follow the name.
    public var reason: String

    public init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }
}

/// The tensors of a file that another program wrote.
public struct ModelFile: Sendable {
    public enum Format: String, Sendable {
        /// `torch.save` since PyTorch 1.6.
        case pytorch = "PyTorch (zip)"
        /// `torch.save` before.
        case legacyPyTorch = "PyTorch (before 1.6)"
        case safetensors
    }

    /// The file, as the user gave it.
    public let path: String
    public let format: Format
    /// In the file's order; of safetensors, as they lie.
    public private(set) var tensors: [NamedTensor]
    /// What stands between them and is no tensor, or none of a type that is read: of no matter unless the network needs it.
    public private(set) var unread: [UnreadTensor]
    /// The keys that lead to the state dictionary, with dots between; `nil` if the file is one itself.
    public private(set) var key: String?
    /// The files that the tensors lie in.
    public let shardCount: Int

    /// Reads a file of any of the formats; which one its first bytes say, not its name.
    ///
    /// Nothing of the file is run, and memory is bounded by its length. An index of a model in shards stands for all of them.
    ///
    /// - Parameter key: Which of several state dictionaries, by its key (`state_dict_ema`, or `a.b` for one in another), or by what the
    ///   names of its tensors begin with.
    /// - Throws: If it cannot be read, is of no known format or damaged, or holds no state dictionary or several.
    public init(path: String, key: String? = nil) throws(ExchangeError) {
        let bytes = try readWhole(path)
        try self.init(bytes: bytes, path: path, key: key)
        if shardCount == 1 { try Self.checkIsWhole(path) }
    }

    /// Takes a file that was read already.
    ///
    /// - Parameters:
    ///   - path: Where it is from, for errors and for the shards of an index.
    ///   - key: As in `init(path:key:)`.
    public init(bytes: [UInt8], path: String, key: String? = nil) throws(ExchangeError) {
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
                    has no state dictionary of the key '\(shown(prefix))', and no tensor whose name begins with it; its \(tensors.count) \
                    tensors are \(shownList(tensors.map(\.name)))
                    """)
        }
        tensors = kept
        unread = unread.filter { $0.name.hasPrefix(start) }
    }

}

extension ModelFile {
    /// What the bytes of a file are.
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

    /// By the first bytes; `nil` for what is no file of tensors.
    static func format(of bytes: [UInt8]) -> Format? {
        if bytes.starts(with: [0x50, 0x4B, 3, 4]) { return .pytorch }
        if LegacyPyTorchFile.headerByteCount(bytes) != nil { return .legacyPyTorch }
        return SafeTensors.isPlausible(bytes) ? .safetensors : nil
    }
}

/// What a file holds, before its path is known.
struct FileContent {
    var tensors: [NamedTensor]
    var unread: [UnreadTensor] = []
    var key: String?
    /// What is left of a key that was asked for: the beginning of the tensors' names.
    var prefix: String?
}

/// A whole file in memory.
func readWhole(_ path: String) throws(ExchangeError) -> [UInt8] {
    // A FIFO that nobody writes to would keep an open without O_NONBLOCK waiting.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { _ = close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw unreadable(path) }
    guard status.st_mode & S_IFMT == S_IFREG else {
        throw ExchangeError(path: path, reason: "is no file; name a file of torch.save or safetensors")
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

/// Far above the largest network here, of 45 million numbers.
private let fileLimit = 16 << 30

private func unreadable(_ path: String) -> ExchangeError {
    ExchangeError(
        path: path, reason: "could not be read: \(unsafe String(cString: strerror(errno)).lowercased())")
}
