internal import Checksums
internal import Files
internal import HDF5

/// Files of format version 1: the header's checksum is one of the file's attributes, and each
/// tensor has its checksum and its index as attributes.
extension CheckpointFile {
    /// Reads a file that ends without a seal.
    static func readUnsealed(
        _ input: borrowing InputFile, path: String
    ) throws(CheckpointError) -> Checkpoint {
        do {
            let file = try HDF5Metadata(of: input, path: path)
            let version: Int64 = try file.attribute("formatVersion")
            guard !formatVersions.contains(version) else {
                throw CheckpointError(
                    path: path, reason: "is truncated, or damaged at its end: its checksums are missing",
                    isDamage: true)
            }
            let isHeaderWhole = try file.stringAttribute("checksum") == headerChecksum(file)
            guard version == 1 || isHeaderWhole else { throw newer(version, path: path) }
            guard version == 1 && isHeaderWhole else {
                throw CheckpointError(
                    path: path, reason: "header does not match its checksum: the file is damaged",
                    isDamage: true)
            }
            var checkpoint = try readHead(file, path: path)
            checkpoint.state = try readTensors("state", of: file, input, path: path)
            for tensor in try readTensors("momentum", of: file, input, path: path) {
                checkpoint.append(tensor, toSlot: StateSlot.momentum.name)
            }
            return checkpoint
        } catch let error as CheckpointError {
            throw error
        } catch let error as HDF5Error {
            throw CheckpointError(path: path, error, isDamage: true)
        } catch let error as FileError {
            throw CheckpointError(reading: path, error)
        } catch {
            throw CheckpointError(path: path, reason: "\(error)", isDamage: true)
        }
    }

    private static func headerChecksum(_ file: HDF5Metadata) throws -> String {
        let classes: Int64 = try file.attribute("classes")
        var temperature = ""
        if file.hasAttribute("temperature") { temperature = "\(try file.attribute("temperature") as Float)" }
        var fields = [try file.stringAttribute("network"), "\(classes)", temperature]
        for name in ["configuration", "position", "dataFingerprint"] {
            fields.append(try file.stringAttribute(name))
        }
        if file.hasAttribute("convolutions") { fields.append(try file.stringAttribute("convolutions")) }
        return CRC64(fields.joined(separator: "\u{0}").utf8).hexadecimal
    }

    private static func readTensors(
        _ group: String, of file: HDF5Metadata, _ input: borrowing InputFile, path: String
    ) throws -> [Checkpoint.Tensor] {
        guard file.contains(group) else { return [] }
        var tensors: [(index: Int64, tensor: Checkpoint.Tensor)] = []
        for name in try file.memberNames(of: group) {
            let object = "\(group)/\(name)"
            let tensor = Checkpoint.Tensor(
                name: name, shape: try file.shape(of: object),
                elements: try elements(of: object, file, input))
            guard try file.stringAttribute("checksum", on: object) == checksum(of: tensor) else {
                throw CheckpointError(
                    path: path, reason: "tensor '\(object)' does not match its checksum: the file is damaged",
                    isDamage: true)
            }
            tensors.append((try file.attribute("index", on: object), tensor))
        }
        return tensors.sorted { $0.index < $1.index }.map(\.tensor)
    }

    private static func elements(
        of object: String, _ file: HDF5Metadata, _ input: borrowing InputFile
    ) throws -> [Float] {
        guard try file.elementType(of: object) == .float else {
            throw HDF5Error(
                action: "read", file: file.path, object: object, reason: "its elements are not floats")
        }
        // `HDF5Metadata` has compared the shape with the file's length.
        let count = try file.shape(of: object).reduce(1, *)
        return count == 0
            ? [] : try input.values(at: try file.contiguousOffset(of: object), count: count)
    }

    private static func checksum(of tensor: Checkpoint.Tensor) -> String {
        var checksum = CRC64("\(tensor.name) \(tensor.shape)".utf8)
        checksum.update(tensor.elements)
        return checksum.hexadecimal
    }
}
