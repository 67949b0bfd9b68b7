internal import Checksums
internal import Files
internal import Foundation
internal import HDF5
internal import Kernels
internal import Memory
internal import Networks
internal import Software
internal import Synchronization
internal import Workers

/// The file of one checkpoint: HDF5, one dataset per tensor, followed by a `CheckpointSeal`.
///
/// | object | content |
/// |---|---|
/// | `/` attributes | `formatVersion`, `softwareVersion`, `software` (JSON; absent if unknown), `network`, `classes`, `temperature` (T2FNorm only), `projection` (output width of a projection head; absent for a classifier), `convolutions` (JSON; absent if algorithms follow from the shapes), `configuration` (YAML), `position` (JSON), `dataFingerprint` |
/// | `/state/<name>` | float32, PyTorch's shape and order |
/// | `/momentum/<name>` | likewise; absent if only the model is stored |
/// | `/<slot>/<name>` | likewise, for each other slot of the training state; format version 3 |
///
/// A file without such slots has version 2, which earlier programs read. Version 1 had no seal; see
/// `CheckpointFile+Version1.swift`.
enum CheckpointFile {
    /// The versions with a seal.
    static let formatVersions: ClosedRange<Int64> = 2...3
    /// Upper limit of the number of classes, or of outputs of a projection head, in a file.
    private static let largestClassCount: Int64 = 1_000_000

    /// A tensor whose elements are computed when it is written, so that the elements of all tensors
    /// need not be in memory at the same time.
    struct TensorMaker {
        var name: String
        var shape: [Int]
        /// Overwrites as many elements as the shape has.
        var make: (inout MutableSpan<Float>) -> Void
    }

    /// The tensors of the state or of a slot.
    struct Group {
        /// `state`, or the slot's name.
        var name: String
        var tensors: [TensorMaker]

        static func state(_ tensors: [TensorMaker]) -> Group { Group(name: "state", tensors: tensors) }
    }

    /// The lowest version that has these groups.
    private static func version(of groups: [String]) -> Int64 {
        groups.allSatisfy { ["state", StateSlot.momentum.name].contains($0) } ? 2 : 3
    }

    /// Writes a whole checkpoint.
    static func write(_ checkpoint: Checkpoint, to path: String) throws(CheckpointError) {
        let slots = checkpoint.slots.map { Group(name: $0.name, tensors: $0.tensors.map(TensorMaker.init)) }
        try write(checkpoint, [.state(checkpoint.state.map(TensorMaker.init))] + slots, to: path)
    }

    /// Writes a new file, syncs it, reads it back, compares it with its checksums and renames it.
    ///
    /// - Parameter head: Its tensors are ignored.
    @discardableResult
    static func write(
        _ head: Checkpoint, _ groups: [Group], to path: String
    ) throws(CheckpointError) -> WrittenFile {
        let start = ContinuousClock.now
        do {
            let file = try HDF5File(inMemory: path)
            var parts: [CheckpointSeal.Part] = []
            for group in groups { parts += try writeTensors(group.tensors, to: group.name, of: file) }
            try writeHead(head, version: version(of: groups.map(\.name)), to: file)
            return try file.withBytes { bytes in try write(bytes, with: parts, to: path, since: start) }
        } catch let error as FileError {
            throw CheckpointError(writing: path, error)
        } catch let error as CheckpointError {
            throw CheckpointError(
                path: path,
                reason:
                    "is not on the disk as it was written: \(error.reason); the previous checkpoint is kept")
        } catch let error as HDF5Error {
            throw CheckpointError(path: path, error)
        } catch {
            throw CheckpointError(path: path, reason: "\(error)")
        }
    }

    private static func write(
        _ bytes: RawSpan, with parts: [CheckpointSeal.Part], to path: String,
        since start: ContinuousClock.Instant
    ) throws -> WrittenFile {
        let clock = ContinuousClock()
        let seal = CheckpointSeal(of: bytes, parts: parts)
        let end = try seal.encoded()
        var written = WrittenFile(byteCount: bytes.byteCount + end.count)
        let isMade = clock.now
        written.makingTime = isMade - start
        let check = { (temporary: String) in
            let isSynced = clock.now
            written.writingTime = isSynced - isMade
            try verify(temporary, is: seal)
            written.checkingTime = clock.now - isSynced
        }
        try replaceFile(at: path, check: check) { temporary in
            let output = try OutputFile(creating: temporary)
            try output.write(bytes)
            try output.write(end)
            try output.close()
        }
        return written
    }

    /// Verifies a file that was just written: reads it from the disk, not from the page cache.
    private static func verify(_ path: String, is written: CheckpointSeal) throws {
        let file = try InputFile(opening: path)
        file.forgetCached()
        file.readAhead()
        guard let seal = try CheckpointSeal(of: file, path: path), seal == written else {
            throw CheckpointError(path: path, reason: "its table of checksums differs from the one written")
        }
        try seal.check(file, path: path)
        _ = try readHead(try HDF5Metadata(of: file, path: path), path: path)
    }

    /// Reads and verifies a file.
    static func read(_ path: String) throws(CheckpointError) -> Checkpoint {
        let file: InputFile
        do {
            file = try InputFile(opening: path)
        } catch {
            throw CheckpointError(reading: path, error)
        }
        file.readAhead()
        guard let seal = try CheckpointSeal(of: file, path: path) else {
            return try readUnsealed(file, path: path)
        }
        try seal.checkRest(file, path: path)
        var checkpoint = try head(of: file, path: path)
        for (part, elements) in zip(seal.parts, try readTensors(seal, in: file, path: path)) {
            let tensor = Checkpoint.Tensor(name: part.name, shape: part.shape, elements: elements)
            if part.group == "state" {
                checkpoint.state.append(tensor)
            } else {
                checkpoint.append(tensor, toSlot: part.group)
            }
        }
        return checkpoint
    }

    /// Reads the elements of all tensors on a few threads: new memory takes more time than the
    /// disk.
    private static func readTensors(
        _ seal: CheckpointSeal, in file: borrowing InputFile, path: String
    ) throws(CheckpointError) -> [[Float]] {
        let pool = WorkerPool(threads: min(ThreadShare(of: 0, among: [.current()]).threads, 4))
        let elements = Mutex([[Float]](repeating: [], count: seal.parts.count))
        let failure = Mutex<CheckpointError?>(nil)
        pool.forEach(seal.parts.count) { index in
            do throws(CheckpointError) {
                let read = try seal.elements(of: seal.parts[index], in: file, path: path)
                elements.withLock { $0[index] = read }
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
        if let failure = failure.withLock(\.self) { throw failure }
        return elements.withLock(\.self)
    }

    private static func head(
        of input: borrowing InputFile, path: String
    ) throws(CheckpointError) -> Checkpoint {
        do {
            let file = try HDF5Metadata(of: input, path: path)
            let version: Int64 = try file.attribute("formatVersion")
            guard formatVersions.contains(version) else { throw newer(version, path: path) }
            return try readHead(file, path: path)
        } catch let error as CheckpointError {
            throw error
        } catch let error as HDF5Error {
            throw CheckpointError(path: path, error)
        } catch let error as FileError {
            throw CheckpointError(reading: path, error)
        } catch {
            throw CheckpointError(path: path, reason: "\(error)")
        }
    }

    /// The error for a file of another format version, which must not be taken for damage.
    static func newer(_ version: Int64, path: String) -> CheckpointError {
        CheckpointError(
            path: path,
            reason: """
                format version \(version), this program reads 1 to \(formatVersions.upperBound); use the version that wrote it
                """)
    }
}

// MARK: - Head

extension CheckpointFile {
    /// Reads everything but the tensors.
    static func readHead(_ file: HDF5Metadata, path: String) throws -> Checkpoint {
        let classes: Int64 = try file.attribute("classes")
        let convolutions = file.hasAttribute("convolutions") ? try file.stringAttribute("convolutions") : nil
        let position = try file.stringAttribute("position")
        guard (1...largestClassCount).contains(classes) else {
            throw CheckpointError(
                path: path, reason: "has \(classes) classes, expected 1 to \(largestClassCount)",
                isDamage: true)
        }
        var checkpoint = Checkpoint(
            network: try file.stringAttribute("network"), classes: Int(classes), head: try readHeadKind(file),
            convolutions: try decodeConvolutions(convolutions, path: path),
            position: try JSONDecoder().decode(TrainingPosition.self, from: Data(position.utf8)),
            configuration: try file.stringAttribute("configuration"),
            dataFingerprint: try file.stringAttribute("dataFingerprint"))
        guard checkpoint.position.isPossible else {
            throw CheckpointError(
                path: path, reason: "its training position contains an impossible count", isDamage: true)
        }
        if file.hasAttribute("softwareVersion") {
            checkpoint.softwareVersion = try file.stringAttribute("softwareVersion")
        }
        // Another version may record other facts, which must not keep a run from resuming.
        if file.hasAttribute("software") {
            let json = Data(try file.stringAttribute("software").utf8)
            checkpoint.software = try? JSONDecoder().decode(SoftwareRecord.self, from: json)
        }
        return checkpoint
    }

    private static func readHeadKind(_ file: HDF5Metadata) throws -> HeadKind {
        if file.hasAttribute("projection") {
            let outputs: Int64 = try file.attribute("projection")
            guard (1...largestClassCount).contains(outputs) else {
                throw CheckpointError(
                    path: file.path, reason: "its projection head has \(outputs) outputs", isDamage: true)
            }
            return .projection(outputs: Int(outputs))
        }
        guard file.hasAttribute("temperature") else { return .linear }
        return .t2fnorm(temperature: try file.attribute("temperature"))
    }

    private static func decodeConvolutions(
        _ json: String?, path: String
    ) throws(CheckpointError) -> AlgorithmSelection {
        guard let json else { return .shape }
        guard let selection = try? JSONDecoder().decode(AlgorithmSelection.self, from: Data(json.utf8)) else {
            throw CheckpointError(
                path: path, reason: "contains convolution algorithms unknown to this version")
        }
        return selection
    }

    private static func writeHead(
        _ checkpoint: Checkpoint, version: Int64, to file: borrowing HDF5File
    ) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        func encode(_ value: some Encodable) throws -> String {
            String(decoding: try encoder.encode(value), as: UTF8.self)
        }
        try file.setAttribute("formatVersion", version)
        try file.setAttribute("softwareVersion", softwareVersion)
        if let software = checkpoint.software { try file.setAttribute("software", try encode(software)) }
        try file.setAttribute("network", checkpoint.network)
        try file.setAttribute("classes", Int64(checkpoint.classes))
        if let temperature = checkpoint.temperature { try file.setAttribute("temperature", temperature) }
        if let projection = checkpoint.projection {
            try file.setAttribute("projection", Int64(projection))
        }
        if checkpoint.convolutions != .shape {
            try file.setAttribute("convolutions", try encode(checkpoint.convolutions))
        }
        try file.setAttribute("configuration", checkpoint.configuration)
        try file.setAttribute("position", try encode(checkpoint.position))
        try file.setAttribute("dataFingerprint", checkpoint.dataFingerprint)
    }

    private static func writeTensors(
        _ tensors: [TensorMaker], to group: String, of file: borrowing HDF5File
    ) throws -> [CheckpointSeal.Part] {
        guard !tensors.isEmpty else { return [] }
        try file.createGroup(group)
        // New memory for each tensor would take more time than computing its elements.
        let most = tensors.map { $0.shape.reduce(1, *) }.max() ?? 0
        var scratch = [Float](repeating: 0, count: most)
        return try tensors.map { tensor in
            let object = "\(group)/\(tensor.name)"
            var whole = scratch.mutableSpan
            var elements = whole.part(0..<tensor.shape.reduce(1, *))
            tensor.make(&elements)
            try file.write(elements.span, shape: tensor.shape, to: object)
            var checksum = CRC64()
            let span = elements.span
            unsafe checksum.update(span.bytes)
            return CheckpointSeal.Part(
                group: group, name: tensor.name, shape: tensor.shape,
                offset: try file.contiguousOffset(of: object), checksum: checksum.hexadecimal)
        }
    }
}

extension CheckpointFile.TensorMaker {
    init(_ tensor: Checkpoint.Tensor) {
        self.init(name: tensor.name, shape: tensor.shape) { elements in
            for i in elements.indices { elements[i] = tensor.elements[i] }
        }
    }
}
