internal import Checksums
internal import Files
internal import Foundation

/// Describes the contents of a dataset's folder; stored as `manifest.json`, which is written last.
package struct Manifest: Codable, Equatable, Sendable {
    /// How images are stored: decoded and all of the same size, or as their original JPEG, PNG and
    /// WebP files.
    package enum Layout: Codable, Equatable, Sendable {
        case pixels(height: Int, width: Int, channels: Int)
        case encoded
    }

    /// One file of records.
    package struct Shard: Codable, Equatable, Sendable {
        /// The file's name in the dataset's folder.
        package var file: String
        package var count: Int
        package var byteCount: Int
        /// CRC-64/XZ of the file, 16 hexadecimal digits.
        package var checksum: String
    }

    /// The version of the manifest format that this code writes and reads.
    package static let currentSchemaVersion = 1
    package static let fileName = "manifest.json"
    static let currentRecordChecksum = "crc32c"

    package var schemaVersion = Manifest.currentSchemaVersion
    package var name: String
    /// Class names in the order of the labels; empty if unknown, or if the set is out of
    /// distribution.
    package var classNames: [String]
    /// Number of classes: labels lie in `0..<classCount`. 0 for an out-of-distribution set, whose
    /// labels are all −1.
    package var classCount: Int
    package var count: Int
    package var layout: Layout
    package var shards: [Shard]
    /// The checksum that each record is compared with when it is read: `crc32c`; `nil` in a dataset
    /// of an earlier version.
    package var recordChecksum: String?
    /// The origin of the images.
    package var source: String
    /// Notes of the reader that packed the dataset, such as left-over bytes at the end of a
    /// truncated file.
    package var notes: [String]
    /// The benchmark split of this dataset, if it was packed as one.
    package var benchmark: BenchmarkSplit?
    /// Time of creation, ISO 8601, UTC.
    package var created: String
}

extension Manifest {
    /// The manifest of a dataset that is made now, without notes.
    ///
    /// - Parameter source: The origin of the images.
    package init(
        name: String, classNames: [String], classCount: Int, layout: Layout, shards: [Shard],
        source: String
    ) {
        self.init(
            name: name, classNames: classNames, classCount: classCount,
            count: shards.reduce(0) { $0 + $1.count }, layout: layout, shards: shards,
            recordChecksum: Self.currentRecordChecksum, source: source, notes: [],
            created: Date.now.formatted(.iso8601))
    }

    /// Reads the manifest of the dataset in `folder`.
    ///
    /// - Throws: If the manifest is missing, is damaged, has another version, or contradicts
    ///   itself.
    package init(folder: String) throws(DatasetError) {
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
    package func write(folder: String) throws(DatasetError) {
        let path = "\(folder)/\(Manifest.fileName)"
        try check(path, action: "write manifest")
        try DatasetError.wrapping("write manifest", path) {
            try writeFile(try text(), to: path)
        }
    }

    /// The text of the manifest file.
    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// A checksum of the record counts and checksums of all shards, 16 hexadecimal digits: equal if
    /// records and shards are equal.
    package var fingerprint: String {
        CRC64(shards.map { "\($0.count) \($0.checksum)\n" }.joined().utf8).hexadecimal
    }
}

/// The reason of a JSON decoding error, in a few words.
func jsonReason(_ error: any Error) -> String {
    switch error as? DecodingError {
    case .keyNotFound(let key, _): "the key '\(key.stringValue)' is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context): kindReason(context.codingPath)
    case .dataCorrupted(let context) where !context.codingPath.isEmpty: kindReason(context.codingPath)
    default: "it is not valid JSON"
    }
}

private func kindReason(_ path: [any CodingKey]) -> String {
    path.isEmpty
        ? "it is not a JSON object"
        : "the value of '\(path.map(\.stringValue).joined(separator: "."))' has the wrong type"
}
