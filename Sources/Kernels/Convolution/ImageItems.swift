/// Divides the images of a batch and the blocks of their output channels into work items. No result
/// depends on it.
struct ImageItems: Sendable {
    private let sampleCount: Int
    /// Images of a group of images, at most.
    let imagesOfGroup: Int
    /// Groups of images.
    let imageGroups: Int
    private let splits: Int
    let count: Int

    /// Chooses items with enough tiles to fill strips and to reuse each transformed weight, in a
    /// number that the threads can share evenly.
    ///
    /// If there are too few such groups of images for the threads, output channels are split first:
    /// then each thread reads its own part of the weights, where smaller groups of images would
    /// make each read all of them. Each part transforms its images again, which costs less.
    ///
    /// - Parameter blocks: Parts into which output channels may be split.
    init(sampleCount: Int, tilesPerImage: Int, blocks: Int, threads: Int) {
        self.sampleCount = sampleCount
        let enough = max(8 * tileRows / tilesPerImage, 1)
        let full = max((sampleCount + enough - 1) / enough, 1)
        let parts = Self.parts(ofThreads: threads, groups: full, blocks: blocks)
        let groups = full < threads ? threads / parts : (full + threads - 1) / threads * threads
        imagesOfGroup = max((sampleCount + groups - 1) / groups, 1)
        imageGroups = (sampleCount + imagesOfGroup - 1) / imagesOfGroup
        let missing = (threads + imageGroups - 1) / max(imageGroups, 1)
        splits = max(min(blocks, max(parts, missing)), 1)
        count = imageGroups * splits
    }

    /// The least number of parts of the output channels that gives each thread a part of one of
    /// `groups`, a divisor of the threads; if none does, the largest divisor of at most `blocks`.
    private static func parts(ofThreads threads: Int, groups: Int, blocks: Int) -> Int {
        let divisors = (1...max(min(blocks, threads), 1)).filter { threads.isMultiple(of: $0) }
        return divisors.first { $0 * groups >= threads } ?? divisors[divisors.count - 1]
    }

    /// The samples of an item, and its range of the `blocks` blocks.
    func item(_ index: Int, ofBlocks blocks: Int) -> (samples: Range<Int>, blocks: Range<Int>) {
        let (group, split) = index.quotientAndRemainder(dividingBy: splits)
        return (
            group * imagesOfGroup..<min((group + 1) * imagesOfGroup, sampleCount),
            blocks * split / splits..<blocks * (split + 1) / splits
        )
    }
}
