internal import Cluster
internal import Files
internal import Foundation

/// Checks that all ranks see the folder to which rank 0 writes a run.
struct SharedFolder {
    /// Some network file systems show a new file with a delay.
    private static let patience = Duration.seconds(5)
    private static let pause: UInt32 = 100_000
    private let path: String

    init(_ path: String) { self.path = path }

    /// A line for the user if a rank does not see the folder: this job works, but a later one could
    /// not resume. `nil` if all ranks see it. Collective.
    func remark(_ communicator: any Communicator) throws -> String? {
        guard communicator.worldSize > 1 else { return nil }
        let name = String(
            decoding: try communicator.broadcast(Array(UUID().uuidString.utf8), from: 0), as: UTF8.self)
        let mark = "\(path)/.seen-\(name)"
        try communicator.together {
            if communicator.rank == 0 { try writeFile("", to: mark) }
        }
        let isSeen = communicator.rank == 0 || waitForFile(mark)
        let blind = try communicator.minimum(isSeen ? communicator.worldSize : communicator.rank)
        if communicator.rank == 0 { try? FileManager.default.removeItem(atPath: mark) }
        guard blind < communicator.worldSize else { return nil }
        let hosts = try communicator.hostNames()
        return """
            rank \(blind) (\(hosts[blind])) does not see the run's folder of rank 0 (\(hosts[0])), \(URL(filePath: path).path): a later \
            start could not resume from there on all ranks; start all ranks in the same folder, or give 'output' a path that all hosts see
            """
    }

    private func waitForFile(_ mark: String) -> Bool {
        let end = ContinuousClock.now + Self.patience
        while !FileManager.default.fileExists(atPath: mark) {
            guard ContinuousClock.now < end else { return false }
            usleep(Self.pause)
        }
        return true
    }
}
