extension CheckpointStore {
    /// Paths of the files of all steps, oldest first, intact or damaged, and of the best model if
    /// there is one.
    package func paths() throws(CheckpointError) -> [String] {
        (try stepFiles() + (try hasBest() ? ["best.h5"] : [])).map { "\(folder)/\($0)" }
    }
}
