internal import Datasets

/// How a source is divided into shards: shard *k* holds the records from `k · recordsPerShard` on,
/// in packing order.
///
/// The plan is made once, when packing starts, and is stored with the shards, so that all processes
/// and a resumed run use the same one.
struct PackingPlan: Codable, Equatable, Sendable {
    var layout: Manifest.Layout
    var recordsPerShard: Int
    /// The approximate size of a stored image.
    var byteCount: Int

    /// Derives the plan from some images.
    ///
    /// - Parameter sample: Records spread over the source, or its first ones.
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

    /// The layout, chosen by the first image that can be decoded.
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
