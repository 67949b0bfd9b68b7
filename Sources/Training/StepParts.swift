package import Networks
package import RunConfiguration

/// In how many passes each rank goes through its samples of a step, so that a large share fits into its memory.
///
/// Gradients, statistics and losses are those of one pass to the bit: parts are nodes of the lane tree.
package struct StepParts: Equatable {
    /// The most passes of a step; a power of two, the same on all ranks.
    package let limit: Int
    private let laneSize: Int
    private let group: Int
    private let samplesPerImage: Int
    private let worldSize: Int

    package init(limit: Int, _ configuration: RunConfiguration, worldSize: Int) {
        self.limit = limit
        samplesPerImage = configuration.samplesPerImage
        laneSize = configuration.training.lane * samplesPerImage
        group = configuration.batchNorm.group * samplesPerImage
        self.worldSize = worldSize
    }

    /// The fewest passes for which `fits` holds, or as many as the configuration asks for.
    ///
    /// - Throws: `ConfigurationError` if it asks for more than a batch can have.
    package static func choose(
        _ configuration: RunConfiguration, worldSize: Int, fits: (StepParts) -> Bool
    ) throws(ConfigurationError) -> StepParts {
        let parts = { (limit: Int) in StepParts(limit: limit, configuration, worldSize: worldSize) }
        // All pairs of a batch are compared at once.
        let wanted = configuration.loss.comparesPairs ? 1 : configuration.compute.accumulation
        let most = parts(wanted > 0 ? wanted : 1 << 20).count(imageCount: configuration.training.batch)
        guard wanted == 0 else {
            guard most == wanted else {
                let group = configuration.batchNorm.group
                throw ConfigurationError(
                    key: "compute.accumulation", found: "\(wanted)",
                    expected: """
                        at most \(most) on \(worldSize == 1 ? "1 rank" : "\(worldSize) ranks"): each part of a rank's share holds whole \
                        lanes and whole batch-norm groups (batchNorm.group is \(group == 0 ? "0, the whole batch" : "\(group)"))
                        """)
            }
            return parts(wanted)
        }
        var limit = 1
        while limit < most && !fits(parts(limit)) { limit *= 2 }
        return parts(limit)
    }

    /// The passes of a step of so many images: fewer than `limit` where a short batch would have its groups cut.
    package func count(imageCount: Int) -> Int {
        BatchPlacement.partCount(
            upTo: limit, sampleCount: imageCount * samplesPerImage, laneSize: laneSize, group: group,
            worldSize: worldSize)
    }

    /// What each pass of a step works on, one after the other; all ranks have as many.
    package func placements(imageCount: Int, rank: Int) -> [BatchPlacement] {
        let count = count(imageCount: imageCount)
        return (0..<count).map {
            BatchPlacement(
                sampleCount: imageCount * samplesPerImage, laneSize: laneSize, group: group, rank: rank,
                worldSize: worldSize,
                part: $0, partCount: count)
        }
    }
}
