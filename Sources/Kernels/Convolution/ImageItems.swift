/// Divides the images of a batch and the blocks of their output channels into work items. No result
/// depends on it.
struct ImageItems: Sendable {
    private let sampleCount: Int
    private let images: Int
    private let splits: Int
    let count: Int

    /// Chooses items with enough tiles to fill strips and to reuse each transformed weight, in a
    /// number that the threads can share evenly.
    ///
    /// - Parameter blocks: Parts into which output channels may be split if there are fewer images
    ///   than threads; each part transforms its images again.
    init(sampleCount: Int, tilesPerImage: Int, blocks: Int, threads: Int) {
        self.sampleCount = sampleCount
        let enough = max(8 * tileRows / tilesPerImage, 1)
        let items = (sampleCount + enough - 1) / enough
        let shared = (items + threads - 1) / threads * threads
        images = max((sampleCount + shared - 1) / max(shared, 1), 1)
        let imageItems = (sampleCount + images - 1) / images
        splits = max(min(blocks, (threads + imageItems - 1) / max(imageItems, 1)), 1)
        count = imageItems * splits
    }

    /// The samples of an item, and its range of the `blocks` blocks.
    func item(_ index: Int, ofBlocks blocks: Int) -> (samples: Range<Int>, blocks: Range<Int>) {
        let (group, split) = index.quotientAndRemainder(dividingBy: splits)
        return (
            group * images..<min((group + 1) * images, sampleCount),
            blocks * split / splits..<blocks * (split + 1) / splits
        )
    }
}
