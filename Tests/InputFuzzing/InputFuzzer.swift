import Datasets
import Foundation
import HDF5
import RunConfiguration

/// What `launch/fuzz-inputs` builds with libFuzzer: gives made-up bytes to the reader that `T2FNORM_FUZZ` names.
///
/// Files that readers open by a path lie in memory (`/dev/shm`). What a reader makes of bytes must be within them; everything else is an
/// error that it throws.
@main struct InputFuzzer {
    static func main() {
        guard let target = Target(rawValue: ProcessInfo.processInfo.environment["T2FNORM_FUZZ"] ?? "") else {
            fatalError("T2FNORM_FUZZ is none of \(Target.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        unsafe chosen = target
        if target == .manifest || target == .shard { unsafe dataset = SampleDataset() }
        var count = CommandLine.argc
        var arguments = unsafe CommandLine.unsafeArgv
        exit(unsafe runFuzzer(&count, &arguments, { unsafe fuzz($0, $1) }))
    }
}

/// The readers.
enum Target: String, CaseIterable {
    case tar, idx, mat, manifest, shard, yaml, jpeg

    func read(_ bytes: [UInt8]) throws {
        switch self {
        case .jpeg:
            let image = try RGBImage(decoding: bytes, place: "")
            precondition(image.bytes.count == 3 * image.width * image.height, "pixels")
        case .yaml: try readConfiguration(String(decoding: bytes, as: UTF8.self))
        case .mat:
            let source = try SVHNArchive(MemoryFile.first.write(bytes))
            for index in 0..<min(source.recordCount, 4) { _ = source.record(index) }
        case .idx: try readIDX(bytes)
        case .tar: try readTar(bytes)
        case .manifest: try unsafe dataset?.read(manifest: bytes)
        case .shard: try unsafe dataset?.read(shard: bytes)
        }
    }
}

nonisolated(unsafe) private var chosen = Target.tar
nonisolated(unsafe) private var dataset: SampleDataset?

/// libFuzzer's driver, with `main` on our side.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

private func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
    try? unsafe chosen.read(bytes)
    return 0
}

// MARK: - Formats

private func readConfiguration(_ text: String) throws {
    do throws(ConfigurationError) {
        let configuration = try RunConfiguration(yaml: text, file: "a.yml")
        precondition(
            try! RunConfiguration(yaml: configuration.yaml, file: "a.yml") == configuration, "settings")
    } catch {
        precondition(error.description.utf8.count < 10_000, "a long message")
    }
    do throws(ConfigurationError) {
        _ = try BenchmarkDefinition(yaml: text, file: "a.yml")
    } catch {
        precondition(error.description.utf8.count < 10_000, "a long message")
    }
}

/// Both files: the first two bytes are the first one's length.
private func readIDX(_ bytes: [UInt8]) throws {
    guard bytes.count >= 2 else { return }
    let content = bytes.dropFirst(2)
    let count = min(Int(bytes[0]) << 8 | Int(bytes[1]), content.count)
    let source = try IDXArchive(
        images: MemoryFile.first.write(Array(content.prefix(count))),
        labels: MemoryFile.second.write(Array(content.dropFirst(count))))
    for index in 0..<min(source.recordCount, 4) { _ = source.record(index) }
}

private func readTar(_ bytes: [UInt8]) throws {
    let archive = try TarArchive(MemoryFile.first.write(bytes))
    for file in archive.listing().files.prefix(8) { _ = try? archive.contents(of: file) }
    _ = try? ImageFolder(archive)
}

// MARK: - Files

/// A file in memory, by a path.
private struct MemoryFile {
    static let first = MemoryFile(name: "first")
    static let second = MemoryFile(name: "second")

    private let path: String
    private let descriptor: CInt

    private init(name: String) {
        path = "/dev/shm/t2fnorm-fuzz-\(getpid())-\(name)"
        descriptor = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    }

    /// Overwrites the file and gives its path.
    func write(_ bytes: [UInt8]) -> String {
        ftruncate(descriptor, 0)
        precondition(unsafe pwrite(descriptor, bytes, bytes.count, 0) == bytes.count, "no room in /dev/shm")
        return path
    }
}

/// A packed dataset of six images in a folder, whose manifest or shard is replaced.
private final class SampleDataset {
    private let folder = "/dev/shm/t2fnorm-fuzz-\(getpid())"
    private let manifest: Data
    private let shard: Data

    init() {
        let records = GeneratedRecords(origin: "drawn", classNames: ["a", "b"], count: 6) { index in
            (Int32(index % 2), RGBImage(width: 3, height: 2, bytes: (0..<18).map { UInt8($0 * index) }))
        }
        var options = PackingOptions()
        options.overwrite = true
        var packer = Packer(source: records, name: "set", destination: folder, options: options)
        do {
            _ = try packer.run()
            manifest = try Data(contentsOf: URL(filePath: "\(folder)/manifest.json"))
            shard = try Data(contentsOf: URL(filePath: "\(folder)/shard-00000.h5"))
        } catch {
            fatalError("\(error)")
        }
        // libFuzzer ends by _exit; the corpus begins with what is good.
        if let corpus = CommandLine.arguments.dropFirst().first {
            try? manifest.write(to: URL(filePath: "\(corpus)/good-manifest"))
            try? shard.write(to: URL(filePath: "\(corpus)/good-shard"))
        }
    }

    func read(manifest bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(filePath: "\(folder)/manifest.json"))
        let set = try PackedDataset(path: folder)
        for record in 0..<min(set.count, 8) { _ = try? set.image(of: record) }
        try PackedDataset.verify(path: folder)
    }

    func read(shard bytes: [UInt8]) throws {
        let outline = try HDF5Outline(path: "", byteCount: bytes.count) { Array(bytes[$0..<$0 + $1]) }
        for name in try outline.memberNames() {
            guard let offset = try? outline.contiguousOffset(of: name) else { continue }
            precondition(offset <= bytes.count, "a dataset behind the file's end")
        }
        try Data(bytes).write(to: URL(filePath: "\(folder)/shard-00000.h5"))
        var text = String(decoding: manifest, as: UTF8.self)
        text = text.replacing("\"byteCount\" : \(shard.count)", with: "\"byteCount\" : \(bytes.count)")
        try Data(text.utf8).write(to: URL(filePath: "\(folder)/manifest.json"))
        let set = try PackedDataset(path: folder)
        for record in 0..<set.count { _ = try? set.image(of: record) }
    }
}
