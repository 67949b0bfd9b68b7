internal import Pickle

/// A file of `torch.save` before PyTorch 1.6: five pickles, then the storages contiguously.
///
/// The pickles: a magic number, the protocol (1001), a description of the machine, the saved
/// object, the storages' keys. A storage is its number of elements in eight bytes, then the
/// elements (torch/serialization.py, `_legacy_save`).
enum LegacyPyTorchFile {
    /// The magic number in pickles of protocol 2 and later: an integer of ten bytes, and the stop
    /// opcode.
    private static let magic: [UInt8] = [
        0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
    ]

    /// Length in bytes of the first pickle, which identifies these files; `nil` for other files.
    static func headerByteCount(_ bytes: [UInt8]) -> Int? {
        guard bytes.count > 2, bytes[0] == 0x80, (2...5).contains(bytes[1]) else { return nil }
        // Protocols 4 and 5 put a frame opcode of nine bytes before it.
        let start = bytes[2] == 0x95 ? 11 : 2
        return bytes.dropFirst(start).starts(with: magic) ? start + magic.count : nil
    }

    static func content(_ bytes: [UInt8], key: String?) throws(FormatError) -> FileContent {
        var rest = bytes[...].dropFirst(headerByteCount(bytes) ?? 0)
        let version = try pickle("the protocol", &rest).value
        guard version == .integer(1001) else {
            throw FormatError("is of an unknown protocol of torch.save, expected 1001")
        }
        let machine = try pickle("the description of the machine", &rest).value
        guard case .bool(let isLittleEndian)? = machine["little_endian"] else {
            throw FormatError("does not give its byte order")
        }
        let saved = try pickle("what was saved", &rest)
        let keys = try pickle("the storages' keys", &rest).value.elements ?? []
        let storages = try readStorages(
            keys, of: try references(saved.persistent), isBigEndian: !isLittleEndian, &rest)
        return try StateDictionaryPickle.content(of: saved.value, key: key, isBigEndian: !isLittleEndian) {
            (storage: StorageReference) throws(FormatError) -> ArraySlice<UInt8> in
            guard let content = storages[storage.key] else {
                throw FormatError("there is no storage '\(shown(storage.key))'")
            }
            return content
        }
    }

    private static func pickle(
        _ what: String, _ rest: inout ArraySlice<UInt8>
    ) throws(FormatError) -> PickleContent {
        let content = try PyTorchPickle.read(rest, what: what)
        rest = rest.dropFirst(content.byteCount)
        return content
    }

    /// The storages referred to anywhere in the saved object; only these references give their
    /// types.
    private static func references(
        _ names: [PickleValue]
    ) throws(FormatError) -> [String: StorageReference] {
        var references: [String: StorageReference] = [:]
        for name in names {
            let reference = try StorageReference(name)
            let old = references.updateValue(reference, forKey: reference.key)
            guard old == nil || (old?.type == reference.type && old?.count == reference.count) else {
                throw FormatError(
                    "storage '\(shown(reference.key))' is named with two types or sizes: storages overlap")
            }
        }
        return references
    }

    private static func readStorages(
        _ keys: [PickleValue], of references: [String: StorageReference], isBigEndian: Bool,
        _ rest: inout ArraySlice<UInt8>
    ) throws(FormatError) -> [String: ArraySlice<UInt8>] {
        var storages: [String: ArraySlice<UInt8>] = [:]
        var reader = ByteReader(rest, what: "the storages")
        for key in keys {
            guard let key = key.string, let reference = references[key] else {
                throw FormatError("a storage is listed that no tensor uses")
            }
            guard let elementByteCount = reference.elementByteCount else {
                throw FormatError(
                    "storage '\(shown(key))' is a \(shown("\(reference.type)")), which is not a storage class"
                )
            }
            let count = try number(&reader, isBigEndian)
            guard count == reference.count else {
                throw FormatError(
                    "storage '\(shown(key))' holds \(count) elements, expected \(reference.count)")
            }
            let (size, overflows) = count.multipliedReportingOverflow(by: elementByteCount)
            guard !overflows, storages.updateValue(try reader.take(size), forKey: key) == nil else {
                throw FormatError("storage '\(shown(key))' occurs twice, or is larger than any file")
            }
        }
        guard reader.position == rest.endIndex else {
            throw FormatError("\(rest.endIndex - reader.position) bytes follow the last storage")
        }
        return storages
    }

    private static func number(_ reader: inout ByteReader, _ isBigEndian: Bool) throws(FormatError) -> Int {
        let number = try reader.unsigned(8)
        return Int(truncatingIfNeeded: isBigEndian ? number.byteSwapped : number)
    }
}
