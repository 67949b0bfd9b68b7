internal import Datasets
internal import Workers

/// The rank's batches of a run, whose images may have another size from stage to stage.
final class StagedLoader {
    /// Some epochs with images of one size.
    struct Stage {
        let size: Int
        /// Makes the loader of the stage's batches.
        let makeLoader: () throws(ThreadError) -> BatchLoader
    }

    private var stages: ArraySlice<Stage>
    private var loader: BatchLoader?

    /// - Throws: If the system cannot create a thread.
    init(_ stages: [Stage]) throws(ThreadError) {
        self.stages = stages[...]
        loader = try stages.first?.makeLoader()
    }

    deinit { loader?.close() }

    /// Waits for the next batch.
    ///
    /// - Returns: The batch, and height and width of its images; `nil` after the last batch.
    func next() throws -> (batch: Batch, imageSize: Int)? {
        while let stage = stages.first {
            if let batch = try loader?.next() { return (batch, stage.size) }
            loader?.close()
            stages = stages.dropFirst()
            loader = try stages.first?.makeLoader()
        }
        return nil
    }

    /// Gives a batch back, before the next one is asked for.
    func recycle(_ batch: Batch) { loader?.recycle(batch) }
}
