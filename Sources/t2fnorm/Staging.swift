import Cluster
import Datasets
import Training

/// Copies the datasets of a run to a local disk of each host before the run starts: one rank per
/// host copies, the others wait.
struct Staging {
    /// The folder on the local disk; `nil` to read the datasets in place.
    let folder: String?
    let communicator: any Communicator

    /// Copies the datasets and returns the local folder of each by its path; empty if `folder` is
    /// `nil`.
    ///
    /// - Parameter paths: Datasets; empty paths and repetitions are ignored.
    /// - Throws: `JobFailure`, the same on all ranks, or `MPIError`.
    func stage(_ paths: [String]) throws -> [String: String] {
        guard let folder else { return [:] }
        communicator.board.enter(.staging)
        return try communicator.together(describe: failureReport) {
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
        let line = communicator.rank == 0 ? ByteProgress("staging \(path)", isLog: true) : nil
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
