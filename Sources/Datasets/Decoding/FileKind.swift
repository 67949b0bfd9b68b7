internal import Checksums

/// The kind of a file, detected from its first bytes and independent of its name.
package enum FileKind: String, Sendable, CaseIterable {
    case empty, zeros
    case jpeg, png, webP, gif, bmp, tiff, avif, heic, jpeg2000, icon, netpbm, video
    case tar, gzip, bzip2, xz, zstd, otherCompression, zip, sevenZip, rar
    case npy, idx, matlab, pickle, pyTorch, hdf5, parquet, arrow, tfRecord, lmdb, sqlite
    case lfsPointer, webPage, text
    case unknown

    /// Number of leading bytes that suffice to distinguish all kinds.
    package static let headByteCount = 1024

    /// - Parameter head: The file's first `headByteCount` bytes, or the whole file if it is
    ///   shorter.
    package init(_ head: [UInt8]) {
        if head.isEmpty {
            self = .empty
        } else if let format = ImageFormat(head) {
            self = format == .jpeg ? .jpeg : format == .png ? .png : .webP
        } else if let signed = Self.signatures.first(where: { $0.isIn(head) }) {
            self = signed.kind
        } else {
            self = Self.byStructure(head)
        }
    }

    package var isCompressed: Bool {
        switch self {
        case .gzip, .bzip2, .xz, .zstd, .otherCompression: true
        default: false
        }
    }

    private static func byStructure(_ head: [UInt8]) -> FileKind {
        if head.allSatisfy({ $0 == 0 }) { return .zeros }
        if isIDX(head) { return .idx }
        if isTar(head) { return .tar }
        if head.count > 2, head[0] == 0x80, (2...5).contains(head[1]) { return .pickle }
        if isTFRecord(head) { return .tfRecord }
        if head.count > 3, head[0] == UInt8(ascii: "P"), (0x31...0x37).contains(head[1]), isBlank(head[2]) {
            return .netpbm
        }
        guard isText(head) else { return .unknown }
        return head.first { !isBlank($0) } == UInt8(ascii: "<") ? .webPage : .text
    }

    private struct Signature {
        let kind: FileKind
        let bytes: [UInt8]
        let offset: Int

        init(_ kind: FileKind, _ text: String, at offset: Int = 0) {
            self.init(kind, bytes: Array(text.utf8), at: offset)
        }

        init(_ kind: FileKind, bytes: [UInt8], at offset: Int = 0) {
            self.kind = kind
            self.bytes = bytes
            self.offset = offset
        }

        func isIn(_ head: [UInt8]) -> Bool { head.dropFirst(offset).starts(with: bytes) }
    }

    private static let signatures = [
        Signature(.gif, "GIF8"), Signature(.bmp, "BM"), Signature(.tiff, "II*\0"), Signature(.tiff, "MM\0*"),
        Signature(.avif, "ftypavif", at: 4), Signature(.avif, "ftypavis", at: 4),
        Signature(.heic, "ftyphei", at: 4), Signature(.heic, "ftypmif1", at: 4),
        Signature(.video, "ftyp", at: 4),
        Signature(.jpeg2000, bytes: [0, 0, 0, 12, 0x6A, 0x50, 0x20, 0x20]),
        Signature(.jpeg2000, bytes: [0xFF, 0x4F, 0xFF, 0x51]), Signature(.icon, bytes: [0, 0, 1, 0]),
        Signature(.tar, "ustar", at: 257), Signature(.gzip, bytes: [0x1F, 0x8B]), Signature(.bzip2, "BZh"),
        Signature(.xz, bytes: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]),
        Signature(.zstd, bytes: [0x28, 0xB5, 0x2F, 0xFD]),
        Signature(.otherCompression, bytes: [0x04, 0x22, 0x4D, 0x18]),
        Signature(.otherCompression, bytes: [0x1F, 0x9D]), Signature(.otherCompression, "LZIP"),
        Signature(.otherCompression, bytes: [0x5D, 0, 0]), Signature(.zip, "PK\u{3}\u{4}"),
        Signature(.zip, "PK\u{5}\u{6}"), Signature(.sevenZip, bytes: [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]),
        Signature(.rar, "Rar!\u{1A}"), Signature(.npy, bytes: [0x93] + Array("NUMPY".utf8)),
        Signature(.matlab, "MATLAB 5.0"), Signature(.matlab, "MATLAB 7.3"),
        Signature(.hdf5, bytes: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]),
        Signature(.parquet, "PAR1"),
        Signature(.arrow, "ARROW1"), Signature(.arrow, "FEA1"),
        Signature(.lmdb, bytes: [0xDE, 0xC0, 0xEF, 0xBE], at: 16), Signature(.sqlite, "SQLite format 3"),
        Signature(.lfsPointer, "version https://git-lfs"),
    ]

    /// Whether the header is that of an idx file: two zeros, a known element type, and one to four
    /// axes.
    private static func isIDX(_ head: [UInt8]) -> Bool {
        head.count >= 4 && head[0] == 0 && head[1] == 0 && [8, 9, 11, 12, 13, 14].contains(head[2])
            && (1...4).contains(head[3])
    }

    /// Detects a tar archive by the checksum of its header: the oldest dialect has no signature.
    private static func isTar(_ head: [UInt8]) -> Bool {
        guard head.count >= 512, head[0] != 0 else { return false }
        let digits = head[148..<156].drop { $0 == 0x20 }.prefix { (0x30...0x37).contains($0) }
        guard !digits.isEmpty else { return false }
        let sum = head[..<512].reduce(0) { $0 + Int($1) } - head[148..<156].reduce(0) { $0 + Int($1) }
        return digits.reduce(0) { $0 << 3 | Int($1 - 0x30) } == sum + 8 * 0x20
    }

    /// Whether the length of the first record matches its masked checksum.
    private static func isTFRecord(_ head: [UInt8]) -> Bool {
        guard head.count >= 12 else { return false }
        let length = Array(head[..<8])
        let check = CRC32C(length.span).value
        let masked = (check >> 15 | check << 17) &+ 0xA282_EAD8
        return head[8..<12].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) } == masked
    }

    /// Whether the bytes are text in UTF-8 or in a single-byte encoding, mostly Latin.
    private static func isText(_ head: [UInt8]) -> Bool {
        head.allSatisfy { $0 >= 0x20 && $0 != 0x7F || isBlank($0) }
            && head.count { $0 < 0x80 } * 2 >= head.count
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }
}

extension FileKind: CustomStringConvertible {
    /// The name with its article, as in "it is *a GIF*".
    package var description: String {
        switch self {
        case .empty: "an empty file"
        case .zeros: "nothing but zeros"
        case .jpeg: "a JPEG"
        case .png: "a PNG"
        case .webP: "a WebP"
        case .gif: "a GIF"
        case .bmp: "a BMP"
        case .tiff: "a TIFF"
        case .avif: "an AVIF"
        case .heic: "a HEIC"
        case .jpeg2000: "a JPEG 2000"
        case .icon: "an icon"
        case .netpbm: "a PPM"
        case .video: "a video"
        case .tar: "a tar archive"
        case .gzip: "a gzip file"
        case .bzip2: "a bzip2 file"
        case .xz: "an xz file"
        case .zstd: "a zstd file"
        case .otherCompression: "a compressed file"
        case .zip: "a zip archive"
        case .sevenZip: "a 7z archive"
        case .rar: "a RAR archive"
        case .npy: "a NumPy array"
        case .idx: "an idx file"
        case .matlab: "a MATLAB file"
        case .pickle: "a Python pickle"
        case .pyTorch: "a PyTorch file"
        case .hdf5: "an HDF5 file"
        case .parquet: "a Parquet file"
        case .arrow: "an Arrow file"
        case .tfRecord: "a TFRecord file"
        case .lmdb: "an LMDB database"
        case .sqlite: "an SQLite database"
        case .lfsPointer: "a Git LFS pointer"
        case .webPage: "a web page or XML"
        case .text: "a text file"
        case .unknown: "of no known format"
        }
    }
}
