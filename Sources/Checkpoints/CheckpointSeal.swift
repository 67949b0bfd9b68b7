internal import Checksums
internal import Files
internal import Foundation
internal import Memory

/// The end of a checkpoint's file, after the HDF5 part: the offsets of its tensors, and checksums
/// of all bytes.
///
/// With it, damage is found and named before the HDF5 library, which trusts its input, reads any of
/// it. Layout: JSON, then its length and its CRC-64, eight bytes each, little-endian, then
/// "T2FNSEAL".
struct CheckpointSeal: Codable, Equatable {
    /// One tensor.
    struct Part: Codable, Equatable {
        /// `state`, or the name of a slot.
        var group: String
        var name: String
        /// PyTorch's shape.
        var shape: [Int]
        /// Offset of its first byte in the file.
        var offset: Int
        /// CRC-64 of its bytes, hexadecimal.
        var checksum: String

        var count: Int { shape.reduce(1, *) }
        var bytes: Range<Int> { offset..<offset + count * MemoryLayout<Float>.size }

        /// Whether it lies within the first `byteCount` bytes of a file.
        func fits(into byteCount: Int) -> Bool {
            var left = byteCount / MemoryLayout<Float>.size
            for length in shape {
                guard length > 0, length <= left else { return false }
                left /= length
            }
            return offset >= 0 && offset <= byteCount && bytes.upperBound <= byteCount
        }
    }

    /// Bytes before the seal.
    var byteCount: Int
    /// Tensors in PyTorch's order, state before slots.
    var parts: [Part]
    /// CRC-64 of the bytes that belong to no tensor, hexadecimal.
    var rest: String

    private static let mark = Array("T2FNSEAL".utf8)
    private static let endByteCount = 24
}

// MARK: - On disk

extension CheckpointSeal {
    /// The seal of a file that begins with `bytes`.
    init(of bytes: RawSpan, parts: [Part]) {
        byteCount = bytes.byteCount
        self.parts = parts
        rest = ""
        var checksum = CRC64()
        for gap in gaps { checksum.update(bytes.extracting(gap)) }
        rest = checksum.hexadecimal
    }

    /// The seal's bytes in the file.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let json = Array(try encoder.encode(self))
        return json + Self.bytes(UInt64(json.count)) + Self.bytes(CRC64(json).value) + Self.mark
    }

    /// The seal of a file; `nil` if it ends with none.
    ///
    /// - Throws: If the seal is damaged, or the file's length differs from the one in the seal.
    init?(of file: borrowing InputFile, path: String) throws(CheckpointError) {
        let length = file.byteCount
        guard length >= Self.endByteCount else { return nil }
        let start = length - Self.endByteCount
        let end = try Self.read(start..<length, of: file, path: path)
        guard Array(end.suffix(Self.mark.count)) == Self.mark else { return nil }
        let (count, checksum) = (Self.number(end[0..<8]), Self.number(end[8..<16]))
        guard let count = Int(exactly: count), count <= start else { throw Self.damage(path) }
        let json = try Self.read(start - count..<start, of: file, path: path)
        guard CRC64(json).value == checksum,
            let seal = try? JSONDecoder().decode(CheckpointSeal.self, from: Data(json)),
            seal.byteCount == start - count, seal.hasRoomForParts
        else { throw Self.damage(path) }
        self = seal
    }

    /// Whether all tensors lie within the file and do not overlap.
    private var hasRoomForParts: Bool {
        guard parts.allSatisfy({ $0.fits(into: byteCount) }) else { return false }
        let sorted = parts.map(\.bytes).sorted { $0.lowerBound < $1.lowerBound }
        return zip(sorted, sorted.dropFirst()).allSatisfy { $0.upperBound <= $1.lowerBound }
    }

    private static func damage(_ path: String) -> CheckpointError {
        CheckpointError(
            path: path, reason: "its table of checksums does not match its own checksum: the file is damaged",
            isDamage: true)
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func read(
        _ range: Range<Int>, of file: borrowing InputFile, path: String
    ) throws(CheckpointError) -> [UInt8] {
        do {
            return try file.values(at: range.lowerBound, count: range.count)
        } catch {
            throw CheckpointError(reading: path, error)
        }
    }
}

// MARK: - Checking

extension CheckpointSeal {
    private static let pieceByteCount = 1 << 20

    /// Reads and verifies all bytes that the seal covers.
    ///
    /// - Throws: If bytes do not match; the error names the tensor, or the header.
    func check(_ file: borrowing InputFile, path: String) throws(CheckpointError) {
        try checkRest(file, path: path)
        var scratch = [UInt8](repeating: 0, count: Self.pieceByteCount)
        for part in parts {
            let found = try Self.checksum(of: [part.bytes], in: file, path: path, &scratch)
            guard found == part.checksum else {
                throw Self.damage(path, part)
            }
        }
    }

    /// Reads and verifies all bytes but the tensors'.
    func checkRest(_ file: borrowing InputFile, path: String) throws(CheckpointError) {
        var scratch = [UInt8](repeating: 0, count: Self.pieceByteCount)
        guard try Self.checksum(of: gaps, in: file, path: path, &scratch) == rest else {
            throw CheckpointError(
                path: path, reason: "header does not match its checksum: the file is damaged", isDamage: true)
        }
    }

    /// Reads and verifies a tensor's elements.
    func elements(
        of part: Part, in file: borrowing InputFile, path: String
    ) throws(CheckpointError) -> [Float] {
        let elements: [Float]
        do {
            elements = try file.values(at: part.offset, count: part.count)
        } catch {
            throw CheckpointError(reading: path, error)
        }
        var checksum = CRC64()
        checksum.update(elements)
        guard checksum.hexadecimal == part.checksum else { throw Self.damage(path, part) }
        return elements
    }

    /// The byte ranges between the tensors.
    private var gaps: [Range<Int>] {
        var gaps: [Range<Int>] = []
        var start = 0
        for range in parts.map(\.bytes).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if start < range.lowerBound { gaps.append(start..<range.lowerBound) }
            start = range.upperBound
        }
        return start < byteCount ? gaps + [start..<byteCount] : gaps
    }

    private static func checksum(
        of ranges: [Range<Int>], in file: borrowing InputFile, path: String, _ scratch: inout [UInt8]
    ) throws(CheckpointError) -> String {
        var checksum = CRC64()
        for range in ranges {
            for start in stride(from: range.lowerBound, to: range.upperBound, by: scratch.count) {
                let count = min(scratch.count, range.upperBound - start)
                var whole = scratch.mutableSpan
                var piece = whole.part(0..<count)
                do {
                    try file.read(at: start, into: &piece)
                } catch {
                    throw CheckpointError(reading: path, error)
                }
                checksum.update(piece.span)
            }
        }
        return checksum.hexadecimal
    }

    private static func damage(_ path: String, _ part: Part) -> CheckpointError {
        CheckpointError(
            path: path,
            reason: "tensor '\(part.group)/\(part.name)' does not match its checksum: the file is damaged",
            isDamage: true)
    }
}
