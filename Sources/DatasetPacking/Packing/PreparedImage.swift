internal import Checksums
internal import Datasets
internal import SystemPackage

/// The result of preparing a record: the bytes to store, or the error.
enum PreparedImage: Sendable {
    /// `checksum` is the CRC-64 of `bytes`.
    case stored(bytes: [UInt8], checksum: UInt64, isMisnamed: Bool)
    case bad(PackingReport.Kind, DatasetError)
    /// The image is intact, but cannot be stored with these options.
    case unfit(DatasetError)

    /// Decodes the record's image, applies `change` and converts it to `layout`.
    init(_ record: Record, _ layout: Manifest.Layout, _ change: ImageChange?) {
        switch record.payload {
        case .missing(let error): self = .bad(.missing, error)
        case .damaged(let error): self = .bad(.damaged, error)
        case .pixels, .encoded:
            do {
                let image = try RGBImage(record)
                self = Self.form(image, of: record, layout, change)
            } catch {
                self = .bad(.damaged, error)
            }
        }
    }

    private static func form(
        _ original: RGBImage, of record: Record, _ layout: Manifest.Layout, _ change: ImageChange?
    ) -> PreparedImage {
        var image = change?.shrunk(original) ?? original
        var file: [UInt8]?
        if let change, change.recompresses || (layout == .encoded && image.width < original.width) {
            do {
                let bytes = try encodeJPEG(image, quality: change.quality, place: record.place)
                if change.recompresses { image = try RGBImage(decoding: bytes, place: record.place) }
                file = bytes
            } catch {
                return .unfit(error)
            }
        }
        switch (layout, record.payload) {
        case (.encoded, _) where file != nil: return stored(file!, record)
        case (.encoded, .encoded(let bytes)): return stored(bytes, record)
        case (.encoded, _):
            return .unfit(
                DatasetError(
                    action: "store encoded", place: record.place,
                    reason: "the source holds pixels, not image files",
                    remedy: "pack it with --layout pixels"))
        case (.pixels(let height, let width, _), _):
            guard image.height == height, image.width == width else {
                return .unfit(
                    DatasetError(
                        action: "store as pixels", place: record.place,
                        reason: "it is \(image.width)×\(image.height), the first image is \(width)×\(height)",
                        remedy: "pack the images with --layout encoded"))
            }
            return stored(image.bytes, record)
        }
    }

    private static func stored(_ bytes: [UInt8], _ record: Record) -> PreparedImage {
        var checksum = CRC64()
        checksum.update(bytes.span)
        return .stored(bytes: bytes, checksum: checksum.value, isMisnamed: isMisnamed(record))
    }

    private static func isMisnamed(_ record: Record) -> Bool {
        guard case .encoded(let bytes) = record.payload else { return false }
        guard let named = ImageFormat(endingOf: record.path) else { return false }
        return ImageFormat(bytes) != named
    }
}

/// The changes made to images before they are stored.
struct ImageChange: Sendable {
    /// The shorter side to which larger images are shrunk, in pixels; `nil` for no resizing.
    var shorter: Int?
    /// The JPEG quality, 1...100.
    var quality: Int
    /// Whether every image, also one that is not shrunk, is encoded as JPEG; stored pixels are then
    /// decoded from that JPEG.
    var recompresses: Bool

    /// `nil` if images are not changed.
    init?(_ options: PackingOptions) {
        guard options.resizeShorter != nil || options.recompresses else { return nil }
        shorter = options.resizeShorter
        quality = options.quality
        recompresses = options.recompresses
    }

    /// The image resized to a shorter side of `shorter`, with the longer side in proportion,
    /// rounded down; `nil` if its shorter side is not larger than that.
    func shrunk(_ image: RGBImage) -> RGBImage? {
        let side = min(image.width, image.height)
        guard let shorter, side > shorter else { return nil }
        return image.resized(width: image.width * shorter / side, height: image.height * shorter / side)
    }
}

extension RGBImage {
    /// The image of a record; throws the record's error if it has no image.
    init(_ record: Record) throws(DatasetError) {
        switch record.payload {
        case .pixels(let image): self = image
        case .encoded(let bytes): try self.init(decoding: bytes, place: record.place)
        case .damaged(let error), .missing(let error): throw error
        }
    }
}
