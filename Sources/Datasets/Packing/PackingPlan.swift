/// How a source is cut into shards: shard *k* holds the records `k · recordsPerShard` and on, in the order of packing.
///
/// Made once, when packing begins, and kept with the shards, so that it is the same in all processes and after an interruption.
struct PackingPlan: Codable, Equatable, Sendable {
    var layout: Manifest.Layout
    var recordsPerShard: Int
    /// Of an image as it is stored, about.
    var byteCount: Int

    /// Looks at some images.
    ///
    /// - Parameter sample: Records from all over the source, or its first ones.
    init(sample: [Record], _ options: PackingOptions) {
        let change = ImageChange(options)
        layout = Self.layout(of: sample, options, change)
        switch layout {
        case .pixels(let height, let width, let channels): byteCount = height * width * channels
        case .encoded:
            let counts = sample.prefix(64).compactMap { record in
                if case .stored(let bytes, _, _) = PreparedImage(record, .encoded, change) {
                    bytes.count
                } else {
                    nil
                }
            }
            byteCount = max(counts.reduce(0, +) / max(counts.count, 1), 1)
        }
        recordsPerShard = options.recordsPerShard ?? min(max(options.bytesPerShard / byteCount, 1), 10_000)
    }

    /// By the first image that can be decoded.
    private static func layout(
        of sample: [Record], _ options: PackingOptions, _ change: ImageChange?
    ) -> Manifest.Layout {
        for record in sample {
            guard options.layout != .encoded, let original = try? RGBImage(record) else { continue }
            let image = change?.shrunk(original) ?? original
            guard options.layout == .pixels || max(image.width, image.height) <= 64 else { return .encoded }
            return .pixels(height: image.height, width: image.width, channels: 3)
        }
        return .encoded
    }
}
