internal import Checksums
internal import Files
internal import Foundation

/// What a dataset's folder holds; the file `manifest.json`, written last.
public struct Manifest: Codable, Equatable, Sendable {
    /// How images are stored: decoded and all of one size, or as the JPEG and PNG files they came as.
    public enum Layout: Codable, Equatable, Sendable {
        case pixels(height: Int, width: Int, channels: Int)
        case encoded
    }

    /// One file of records.
    public struct Shard: Codable, Equatable, Sendable {
        /// The file's name in the dataset's folder.
        public var file: String
        public var count: Int
        public var byteCount: Int
        /// CRC-64/XZ of the file, 16 hexadecimal digits.
        public var checksum: String
    }

    /// The version of this format that is written and read.
    public static let currentSchemaVersion = 1
    public static let fileName = "manifest.json"
    static let currentRecordChecksum = "crc32c"

    public var schemaVersion = Manifest.currentSchemaVersion
    public var name: String
    /// The classes' names in the order of their labels; empty if unknown or out of distribution.
    public var classNames: [String]
    /// Labels lie in `0..<classCount`; 0 for an out-of-distribution set, whose labels are all −1.
    public var classCount: Int
    public var count: Int
    public var layout: Layout
    public var shards: [Shard]
    /// How each record's bytes are checked when they are read: `crc32c`; `nil` in a dataset of an earlier version.
    public var recordChecksum: String?
    /// Where the images came from.
    public var source: String
    /// What the reader has to say, such as bytes left over at the end of a cut-off file.
    public var notes: [String]
    /// The benchmark's split that this is, if it was packed as one.
    public var benchmark: BenchmarkSplit?
    /// ISO 8601, UTC.
    public var created: String
}

extension Manifest {
    /// Reads the manifest of the dataset in `folder`.
    ///
    /// - Throws: If there is none, it is damaged, of another version, or contradicts itself.
    public init(folder: String) throws(DatasetError) {
        let path = "\(folder)/\(Manifest.fileName)"
        guard try DatasetError.wrapping("open dataset", folder, { try fileExists(path) }) else {
            throw DatasetError(
                action: "open dataset", place: folder, reason: "there is no \(Manifest.fileName)",
                remedy: "make the dataset with 't2fnorm data pack'")
        }
        let bytes = try ReadableFile.contents(of: path, atMost: Self.largestByteCount)
        do {
            self = try JSONDecoder().decode(Manifest.self, from: Data(bytes))
        } catch {
            throw DatasetError(action: "read manifest", place: path, reason: jsonReason(error))
        }
        guard schemaVersion == Manifest.currentSchemaVersion else {
            throw DatasetError(
                action: "read manifest", place: path,
                reason: "schemaVersion is \(schemaVersion), expected \(Manifest.currentSchemaVersion)",
                remedy: "pack the dataset again")
        }
        guard [nil, Manifest.currentRecordChecksum].contains(recordChecksum) else {
            throw DatasetError(
                action: "read manifest", place: path,
                reason:
                    "recordChecksum is '\((recordChecksum ?? "").prefix(40))', expected '\(Manifest.currentRecordChecksum)'",
                remedy: "use the version that packed the dataset, or pack it again")
        }
        try check(path)
    }

    /// Writes the manifest into `folder`, atomically.
    func write(folder: String) throws(DatasetError) {
        let path = "\(folder)/\(Manifest.fileName)"
        try check(path, action: "write manifest")
        try DatasetError.wrapping("write manifest", path) {
            try writeFile(try text(), to: path)
        }
    }

    /// What its file holds.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// A checksum of all shards' checksums, 16 hexadecimal digits: equal for equal records in equal shards.
    public var fingerprint: String {
        CRC64(shards.map { "\($0.count) \($0.checksum)\n" }.joined().utf8).hexadecimal
    }
}

/// What a decoder of JSON has to say, in a few words.
func jsonReason(_ error: any Error) -> String {
    switch error as? DecodingError {
    case .keyNotFound(let key, _): "the key '\(key.stringValue)' is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context): kindReason(context.codingPath)
    case .dataCorrupted(let context) where !context.codingPath.isEmpty: kindReason(context.codingPath)
    default: "it is no valid JSON"
    }
}

private func kindReason(_ path: [any CodingKey]) -> String {
    path.isEmpty
        ? "it is no JSON object"
        : "the value of '\(path.map(\.stringValue).joined(separator: "."))' is of another kind than expected"
}
