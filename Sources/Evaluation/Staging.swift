package import Cluster
internal import Datasets
internal import Reporting
internal import Training

/// Shows how far a copy is.
package protocol CopyProgress: Sendable {
    func update(_ done: Int, _ total: Int)
    /// Ends it after a failure.
    func clear()
    /// Ends it with a final line.
    func finish(_ text: (_ seconds: Double) -> String)
}

/// Copies the datasets of a run to a local disk of each host before the run starts: one rank per
/// host copies, the others wait.
package struct Staging {
    /// The folder on the local disk; `nil` to read the datasets in place.
    private let folder: String?
    private let communicator: any Communicator
    private let makeProgress: (_ path: String) -> any CopyProgress

    /// - Parameters:
    ///   - folder: The folder on the local disk; `nil` to read the datasets in place.
    ///   - makeProgress: Called on rank 0 for each dataset that is copied.
    package init(
        folder: String?, communicator: any Communicator,
        makeProgress: @escaping (_ path: String) -> any CopyProgress
    ) {
        self.folder = folder
        self.communicator = communicator
        self.makeProgress = makeProgress
    }

    /// Copies the datasets and returns the local folder of each by its path; empty if `folder` is
    /// `nil`.
    ///
    /// - Parameter paths: Datasets; empty paths and repetitions are ignored.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    package func stage(_ paths: [String]) throws -> [String: String] {
        guard let folder else { return [:] }
        communicator.board.enter(.staging)
        return try communicator.together {
            var folders: [String: String] = [:]
            for path in paths where !path.isEmpty && folders[path] == nil {
                let staging = try DatasetStaging(path, in: folder)
                folders[path] = staging.destination
                if communicator.localRank == 0 { try copy(staging, from: path) }
            }
            return folders
        }
    }

    private func copy(_ staging: DatasetStaging, from path: String) throws {
        guard !staging.isComplete else { return }
        let line = communicator.rank == 0 ? makeProgress(path) : nil
        let threads = try ThreadChoice().count(0)
        do {
            try staging.copy(threads: threads) { [board = communicator.board] done, total in
                board.tick()
                line?.update(done, total)
            }
        } catch {
            line?.clear()
            throw error
        }
        line?.finish { "staged \(path) in \(staging.destination), \(decimal($0, 1)) s" }
    }
}
