internal import Checksums
internal import Files
internal import Foundation
internal import HDF5
internal import Kernels

/// The file of one checkpoint: HDF5, one dataset a tensor with a checksum each.
///
/// | object | content |
/// |---|---|
/// | `/` attributes | `formatVersion`, `network`, `classes`, `temperature` (T2FNorm only), `convolutions` (JSON; absent where paths follow the shapes), `configuration` (YAML), `position` (JSON), `dataFingerprint`, `checksum` of these |
/// | `/state/<name>` | float32, PyTorch's shape and order; attributes `index`, `checksum` (CRC-64, hexadecimal) |
/// | `/momentum/<name>` | likewise; absent where only the model is kept |
enum CheckpointFile {
    static let formatVersion: Int64 = 1

    /// Writes a new file, reads it again and compares it with its checksums, syncs and renames it.
    static func write(_ checkpoint: Checkpoint, to path: String) throws(CheckpointError) {
        do {
            let check = { (temporary: String) in _ = try read(temporary, locks: false) }
            try HDF5File.writeAtomically(to: path, check: check) { file in
                try writeHeader(checkpoint, to: file)
                try writeTensors(checkpoint.state, to: "state", of: file)
                try writeTensors(checkpoint.momentum, to: "momentum", of: file)
            }
        } catch let error as FileError {
            throw CheckpointError(error)
        } catch let error as CheckpointError {
            throw CheckpointError(
                path: path,
                reason: "is not on the disk as it was written: \(error.reason); the one before is kept")
        } catch let error as HDF5Error {
            throw CheckpointError(path: path, error)
        } catch {
            throw CheckpointError(path: path, reason: "\(error)")
        }
    }

    /// Reads and verifies a file.
    ///
    /// - Parameter locks: As for `HDF5File`.
    static func read(_ path: String, locks: Bool = true) throws(CheckpointError) -> Checkpoint {
        do {
            let file = try HDF5File(opening: path, locks: locks)
            let version: Int64 = try file.attribute("formatVersion")
            guard version == formatVersion else {
                throw CheckpointError(
                    path: path, reason: "format version \(version), this program reads \(formatVersion)")
            }
            return try readAll(file, path: path)
        } catch let error as CheckpointError {
            throw error
        } catch let error as HDF5Error {
            throw CheckpointError(path: path, error)
        } catch {
            throw CheckpointError(path: path, reason: "\(error)")
        }
    }

    private static func readAll(_ file: borrowing HDF5File, path: String) throws -> Checkpoint {
        let network = try file.stringAttribute("network")
        let classes: Int64 = try file.attribute("classes")
        let temperature: Float? =
            file.hasAttribute("temperature") ? try file.attribute("temperature") as Float : nil
        let convolutions =
            file.hasAttribute("convolutions") ? try file.stringAttribute("convolutions") : nil
        let configuration = try file.stringAttribute("configuration")
        let position = try file.stringAttribute("position")
        let fingerprint = try file.stringAttribute("dataFingerprint")
        let header = headerChecksum(
            network, Int(classes), temperature, convolutions, configuration, position, fingerprint)
        guard try file.stringAttribute("checksum") == header else {
            throw CheckpointError(
                path: path, reason: "header does not match its checksum: the file is damaged")
        }
        return Checkpoint(
            network: network, classes: Int(classes), temperature: temperature,
            convolutions: try decodeConvolutions(convolutions, path: path),
            position: try JSONDecoder().decode(TrainingPosition.self, from: Data(position.utf8)),
            configuration: configuration, dataFingerprint: fingerprint,
            state: try readTensors("state", of: file, path: path),
            momentum: try readTensors("momentum", of: file, path: path))
    }

    private static func decodeConvolutions(
        _ json: String?, path: String
    ) throws(CheckpointError) -> ConvolutionChoices {
        guard let json else { return .shape }
        guard let choices = try? JSONDecoder().decode(ConvolutionChoices.self, from: Data(json.utf8)) else {
            throw CheckpointError(
                path: path, reason: "keeps convolution paths that this version does not know")
        }
        return choices
    }

    private static func encode(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func writeHeader(_ checkpoint: Checkpoint, to file: borrowing HDF5File) throws {
        let position = try encode(checkpoint.position)
        let convolutions = checkpoint.convolutions == .shape ? nil : try encode(checkpoint.convolutions)
        try file.setAttribute("formatVersion", formatVersion)
        try file.setAttribute("network", checkpoint.network)
        try file.setAttribute("classes", Int64(checkpoint.classes))
        if let temperature = checkpoint.temperature { try file.setAttribute("temperature", temperature) }
        if let convolutions { try file.setAttribute("convolutions", convolutions) }
        try file.setAttribute("configuration", checkpoint.configuration)
        try file.setAttribute("position", position)
        try file.setAttribute("dataFingerprint", checkpoint.dataFingerprint)
        let checksum = headerChecksum(
            checkpoint.network, checkpoint.classes, checkpoint.temperature, convolutions,
            checkpoint.configuration, position, checkpoint.dataFingerprint)
        try file.setAttribute("checksum", checksum)
    }

    private static func headerChecksum(
        _ network: String, _ classes: Int, _ temperature: Float?, _ convolutions: String?,
        _ configuration: String, _ position: String, _ fingerprint: String
    ) -> String {
        let fields =
            [network, "\(classes)", temperature.map { "\($0)" } ?? "", configuration, position, fingerprint]
            + [convolutions].compactMap(\.self)
        return CRC64(fields.joined(separator: "\u{0}").utf8).hexadecimal
    }
}

// MARK: - Tensors

extension CheckpointFile {
    private static func writeTensors(
        _ tensors: [Checkpoint.Tensor], to group: String, of file: borrowing HDF5File
    ) throws {
        guard !tensors.isEmpty else { return }
        try file.createGroup(group)
        for (index, tensor) in tensors.enumerated() {
            let object = "\(group)/\(tensor.name)"
            try file.write(tensor.elements, shape: tensor.shape, to: object)
            try file.setAttribute("index", Int64(index), on: object)
            try file.setAttribute("checksum", checksum(of: tensor), on: object)
        }
    }

    private static func readTensors(
        _ group: String, of file: borrowing HDF5File, path: String
    ) throws -> [Checkpoint.Tensor] {
        guard file.contains(group) else { return [] }
        var tensors: [(index: Int64, tensor: Checkpoint.Tensor)] = []
        for name in try file.memberNames(of: group) {
            let object = "\(group)/\(name)"
            let tensor = Checkpoint.Tensor(
                name: name, shape: try file.shape(of: object), elements: try file.read(object))
            guard try file.stringAttribute("checksum", on: object) == checksum(of: tensor) else {
                throw CheckpointError(
                    path: path, reason: "tensor '\(object)' does not match its checksum: the file is damaged")
            }
            tensors.append((try file.attribute("index", on: object), tensor))
        }
        return tensors.sorted { $0.index < $1.index }.map(\.tensor)
    }

    private static func checksum(of tensor: Checkpoint.Tensor) -> String {
        var checksum = CRC64("\(tensor.name) \(tensor.shape)".utf8)
        checksum.update(tensor.elements)
        return checksum.hexadecimal
    }
}
