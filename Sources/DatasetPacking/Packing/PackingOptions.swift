package import Datasets

/// How a source is packed.
package struct PackingOptions: Sendable {
    package enum Layout: String, Sendable, CaseIterable {
        /// Pixels if the first image is at most 64×64, else encoded.
        case automatic = "auto"
        /// Decoded, all of one size.
        case pixels
        /// As the original image files; each is decoded once to check that it is intact.
        case encoded
    }

    /// What to do about an image that cannot be packed.
    package enum Policy: String, Sendable, CaseIterable {
        /// Packing stops with an error that names the image and the cause.
        case stop
        /// The image is left out, and listed in the dataset's `report.csv`.
        case skip
    }

    package var layout = Layout.automatic
    /// Whether all labels become −1 and class names are dropped.
    package var outOfDistribution = false
    /// The largest number of records to pack, in packing order; all if `nil`.
    package var limit: Int?
    /// The seed of a random packing order; the source's own order if `nil`.
    package var shuffleSeed: UInt64?
    /// The shorter side to which larger images are shrunk, in pixels; an encoded dataset stores
    /// them as JPEG. No image is shrunk if `nil`.
    package var resizeShorter: Int?
    /// Whether every image, also one that is not shrunk, is encoded as JPEG, so that sets of other
    /// origin have the artefacts of JPEG copies, too. A dataset of pixels stores those decoded from
    /// the JPEG.
    package var recompresses = false
    /// The quality of these JPEG files and those of shrunk images, 1...100.
    package var quality = 95
    /// The class names in label order; the source's own if `nil`.
    package var classNames: [String]?
    /// The number of classes if there are no names; if `nil`, the source's own, or the largest
    /// label plus one.
    package var classCount: Int?
    /// Records of the source per shard, including images that are left out. If `nil`, as many as
    /// take about `bytesPerShard`, at most 10,000.
    package var recordsPerShard: Int?
    /// The approximate number of image bytes per shard; each packing process has one shard in
    /// memory.
    package var bytesPerShard = 128 << 20
    /// What to do about damaged images.
    package var onBad = Policy.stop
    /// What to do about images that a list names but that do not exist.
    package var onMissing = Policy.stop
    /// The benchmark split that the dataset represents, for the manifest.
    package var benchmark: BenchmarkSplit?
    /// Whether an existing complete dataset is replaced.
    package var overwrite = false
    /// Whether an interrupted run starts over instead of being resumed.
    package var restart = false
    /// Threads per process that read and decode.
    package var threads = 1

    package init() {}
}
