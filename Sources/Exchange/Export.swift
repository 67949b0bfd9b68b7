internal import Files
internal import Foundation
public import Networks

/// A file format for exported models.
public enum ExportFormat: String, CaseIterable, Sendable {
    /// `torch.save`'s zip archive of a state dictionary; `torch.load(weights_only=True)` reads it.
    case pytorch
    /// Hugging Face's safetensors: a JSON header, then the tensors' bytes, aligned to 8.
    case safetensors

    /// The file name endings of the format, each with its dot.
    public var endings: [String] {
        switch self {
        case .pytorch: [".pth", ".pt", ".ckpt", ".th", ".bin", ".pth.tar"]
        case .safetensors: [".safetensors"]
        }
    }

    /// The format of a file by its ending, in upper or lower case; `nil` for an unknown ending, or
    /// none.
    public init?(path: String) {
        let name = path.lowercased()
        guard let format = Self.allCases.first(where: { $0.endings.contains { name.hasSuffix($0) } }) else {
            return nil
        }
        self = format
    }
}

extension Classifier {
    /// Writes the network's state dictionary, with the names and the order of PyTorch's networks.
    ///
    /// By default a T2FNorm network has OpenOOD's names (`tau`, then `backbone.…`), so that
    /// OpenOOD's `T2FNormNet` loads it with `strict=True`. Tensors are single precision in row-major
    /// order of PyTorch's shapes; counts of batches are 64-bit integers. The file is written under a
    /// temporary name, synced and renamed.
    ///
    /// - Parameters:
    ///   - format: The file format.
    ///   - names: The naming convention of the tensors.
    ///   - metadata: The metadata of a safetensors file; ignored for PyTorch's format, which has
    ///     none.
    ///   - path: The file; an existing one is replaced.
    /// - Precondition: The network has no projection head.
    /// - Throws: If the file cannot be written, or a zip archive cannot hold it.
    public func export(
        as format: ExportFormat, names: ExportNames = .openOOD, metadata: [String: String] = [:],
        to path: String
    ) throws(ExchangeError) {
        var tensors = ExportedTensor.all(of: self, names)
        if names == .openOOD, case .t2fnorm(let temperature) = headKind {
            tensors.insert(ExportedTensor.temperature(temperature), at: 0)
        }
        let bytes =
            switch format {
            case .pytorch: try pytorchArchive(tensors, path: path)
            case .safetensors: try safetensorsFile(tensors, metadata, path: path)
            }
        do {
            try replaceFile(at: path) { try Data(bytes).write(to: URL(filePath: $0)) }
        } catch {
            let reason = FileError(path: path, error).reason
            throw ExchangeError(
                path: path,
                reason:
                    "could not be written: \(reason); check that the folder can be written to and the disk is not full"
            )
        }
    }
}

/// The file that `torch.save` writes for an `OrderedDict` of tensors, each with its own storage.
private func pytorchArchive(_ tensors: [ExportedTensor], path: String) throws(ExchangeError) -> [UInt8] {
    var pickle = PickleWriter()
    pickle.global("collections", "OrderedDict")
    pickle.emptyTuple()
    pickle.reduce()
    pickle.mark()
    for (key, tensor) in tensors.enumerated() {
        pickle.text(tensor.name)
        pickle.tensor(tensor, key: "\(key)")
    }
    pickle.setItems()
    pickle.stop()

    let byteCount = tensors.reduce(0) { $0 + $1.bytes.count + 256 } + pickle.bytes.count + 4096
    guard byteCount < ZipWriter.limit, tensors.count < 60_000 else {
        throw ExchangeError(
            path: path, reason: "would have \(byteCount) bytes, more than a zip archive holds")
    }
    var archive = ZipWriter(capacity: byteCount)
    archive.add("archive/data.pkl", pickle.bytes)
    archive.add("archive/byteorder", Array("little".utf8))
    for (key, tensor) in tensors.enumerated() { archive.add("archive/data/\(key)", tensor.bytes) }
    archive.add("archive/version", Array("3\n".utf8))
    return archive.finish()
}

extension PickleWriter {
    /// `torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict())`.
    fileprivate mutating func tensor(_ tensor: ExportedTensor, key: String) {
        global("torch._utils", "_rebuild_tensor_v2")
        mark()
        mark()
        text("storage")
        global("torch", tensor.isCount ? "LongStorage" : "FloatStorage")
        text(key)
        text("cpu")
        integer(tensor.count)
        tuple()
        persistent()
        integer(0)
        integers(tensor.shape)
        integers(rowStrides(of: tensor.shape))
        setFalse()
        global("collections", "OrderedDict")
        emptyTuple()
        reduce()
        tuple()
        reduce()
    }
}

private func safetensorsFile(
    _ tensors: [ExportedTensor], _ metadata: [String: String], path: String
) throws(ExchangeError) -> [UInt8] {
    var position = 0
    var entries: [String: SafeTensors.Entry] = [:]
    // The counts of eight bytes come first, so that every tensor is aligned to its element's size.
    let sorted = tensors.filter(\.isCount) + tensors.filter { !$0.isCount }
    for tensor in sorted {
        let end = position + tensor.bytes.count
        entries[tensor.name] = SafeTensors.Entry(
            dtype: tensor.isCount ? "I64" : "F32", shape: tensor.shape, offsets: [position, end])
        position = end
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let header: Data
    do {
        header = try encoder.encode(SafeTensorsHeader(entries: entries, metadata: metadata))
    } catch {
        throw ExchangeError(path: path, reason: "metadata cannot be written: \(error)")
    }
    // Spaces pad the header, so that the tensors begin at a multiple of eight.
    let padding = (8 - header.count % 8) % 8
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + header.count + padding + position)
    bytes.appendLittleEndian(UInt64(header.count + padding), byteCount: 8)
    bytes += header
    bytes += [UInt8](repeating: 0x20, count: padding)
    for tensor in sorted { bytes += tensor.bytes }
    return bytes
}

private struct SafeTensorsHeader: Encodable {
    var entries: [String: SafeTensors.Entry]
    var metadata: [String: String]

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: SafeTensors.Name.self)
        if !metadata.isEmpty {
            try container.encode(metadata, forKey: SafeTensors.Name(stringValue: "__metadata__"))
        }
        for (name, entry) in entries {
            try container.encode(entry, forKey: SafeTensors.Name(stringValue: name))
        }
    }
}
