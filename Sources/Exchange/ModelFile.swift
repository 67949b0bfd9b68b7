internal import Foundation

/// A tensor with the name it has in its file.
public struct NamedTensor: Sendable {
    public var name: String
    public var tensor: StoredTensor
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
    public let tensors: [NamedTensor]

    /// Reads a file of any of the formats; which one its first bytes say, not its name.
    ///
    /// Nothing of the file is run, and memory is bounded by its length.
    ///
    /// - Throws: If it cannot be read, is of no known format or damaged, or does what a file of weights has no need to do.
    public init(path: String) throws(ExchangeError) {
        try self.init(bytes: try readWhole(path), path: path)
    }

    /// Takes a file that was read already.
    ///
    /// - Parameter path: Where it is from, for errors.
    public init(bytes: [UInt8], path: String) throws(ExchangeError) {
        self.path = path
        do {
            format = try Self.format(of: bytes)
            tensors =
                switch format {
                case .pytorch: try PyTorchArchive.tensors(bytes)
                case .legacyPyTorch: try LegacyPyTorchFile.tensors(bytes)
                case .safetensors: try SafeTensors.tensors(bytes)
                }
        } catch {
            throw ExchangeError(path: path, reason: error.reason)
        }
    }

    private static func format(of bytes: [UInt8]) throws(FormatError) -> Format {
        if bytes.starts(with: [0x50, 0x4B, 3, 4]) { return .pytorch }
        if bytes.starts(with: LegacyPyTorchFile.magic) { return .legacyPyTorch }
        if SafeTensors.isPlausible(bytes) { return .safetensors }
        throw FormatError(
            bytes.starts(with: [0x89, 0x48, 0x44, 0x46])
                ? "is an HDF5 file, such as a checkpoint of this program, which needs no import"
                : "is neither a file of torch.save nor one of safetensors")
    }
}

/// A whole file in memory.
private func readWhole(_ path: String) throws(ExchangeError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
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
