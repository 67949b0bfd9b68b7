package import Networks
package import RunConfiguration

/// The number of accumulation steps into which each rank splits its samples of a training step, so
/// that they fit into its memory.
///
/// Gradients, statistics and losses are bit-identical to those of a single pass, because
/// accumulation steps are nodes of the reduction tree.
package struct GradientAccumulation: Equatable {
    /// Upper limit of accumulation steps in a training step; a power of two, the same on all ranks.
    package let limit: Int
    private let microbatchSize: Int
    private let group: Int
    private let samplesPerImage: Int
    private let worldSize: Int

    package init(limit: Int, _ configuration: RunConfiguration, worldSize: Int) {
        self.limit = limit
        samplesPerImage = configuration.samplesPerImage
        microbatchSize = configuration.training.microbatch * samplesPerImage
        group = configuration.batchNorm.group * samplesPerImage
        self.worldSize = worldSize
    }

    /// The smallest number of accumulation steps for which `fits` holds, or the configured number.
    ///
    /// - Throws: `ConfigurationError` if the configured number is larger than a batch allows.
    package static func choose(
        _ configuration: RunConfiguration, worldSize: Int, fits: (GradientAccumulation) -> Bool
    ) throws(ConfigurationError) -> GradientAccumulation {
        let accumulation = { (limit: Int) in
            GradientAccumulation(limit: limit, configuration, worldSize: worldSize)
        }
        // All pairs of a batch are compared at once.
        let wanted = configuration.loss.comparesPairs ? 1 : configuration.compute.accumulation
        let most = accumulation(wanted > 0 ? wanted : 1 << 20).count(imageCount: configuration.training.batch)
        guard wanted == 0 else {
            guard most == wanted else {
                let group = configuration.batchNorm.group
                throw ConfigurationError(
                    key: "compute.accumulation", found: "\(wanted)",
                    expected: """
                        at most \(most) on \(worldSize == 1 ? "1 rank" : "\(worldSize) ranks"): each accumulation step of a rank holds whole \
                        microbatches and whole batch-norm groups (batchNorm.group is \(group == 0 ? "0, the whole batch" : "\(group)"))
                        """)
            }
            return accumulation(wanted)
        }
        var limit = 1
        while limit < most && !fits(accumulation(limit)) { limit *= 2 }
        return accumulation(limit)
    }

    /// The number of accumulation steps in a training step of `imageCount` images: below `limit` if
    /// more would split batch-norm groups of a short batch.
    package func count(imageCount: Int) -> Int {
        BatchPlacement.accumulationSteps(
            upTo: limit, sampleCount: imageCount * samplesPerImage, microbatchSize: microbatchSize,
            group: group,
            worldSize: worldSize)
    }

    /// The placement of each accumulation step, in order; all ranks have the same number.
    package func placements(imageCount: Int, rank: Int) -> [BatchPlacement] {
        let count = count(imageCount: imageCount)
        return (0..<count).map {
            BatchPlacement(
                sampleCount: imageCount * samplesPerImage, microbatchSize: microbatchSize, group: group,
                rank: rank,
                worldSize: worldSize,
                accumulationStep: $0, accumulationSteps: count)
        }
    }
}
