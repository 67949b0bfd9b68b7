internal import Checkpoints
internal import Cluster
internal import Failures
internal import Foundation

/// What all ranks of a job resume from: the same checkpoint, or the beginning on all of them.
struct ResumeAgreement {
    /// The requested mode.
    let mode: ResumeMode
    /// The checkpoint to resume from.
    let found: (checkpoint: Checkpoint, path: String)?
    /// Newer checkpoints that are damaged.
    let damaged: [CheckpointError]

    /// What a rank finds and sends to the others.
    fileprivate struct View: Codable, Equatable {
        var host: String
        /// Absolute path of the store's folder.
        var folder: String
        /// Updates made before the checkpoint; `nil` for the beginning.
        var step: Int?
        /// Hash of parameters, statistics and momentum.
        var hash: String

        func agrees(with other: View) -> Bool { step == other.step && hash == other.hash }
    }

    /// Some network file systems show a new file with a delay.
    private static let patience = Duration.seconds(10)
    private static let pause: UInt32 = 500_000

    /// Finds the checkpoint; collective.
    ///
    /// - Throws: `JobFailure`, the same on all ranks, if one cannot be read, or if ranks find
    ///   different ones because the folder is not shared.
    init(_ mode: ResumeMode, in store: CheckpointStore, _ communicator: any Communicator) throws {
        self.mode = mode
        let place = if case .from(let path) = mode { path } else { store.folder }
        let folder = URL(filePath: place).path
        var own = try communicator.together { try Self.look(mode, in: store) }
        var views = try communicator.gatherValues(View(own.found, folder, communicator))
        if !views.allSatisfy({ $0.agrees(with: views[0]) }) {
            let newest = views.max { ($0.step ?? -1) < ($1.step ?? -1) }!
            own = try communicator.together {
                try Self.lookAgain(mode, in: store, for: newest, communicator, own)
            }
            views = try communicator.gatherValues(View(own.found, folder, communicator))
        }
        if let other = views.firstIndex(where: { !$0.agrees(with: views[0]) }) {
            throw Self.failure(views, other)
        }
        if case .from = mode, own.found == nil {
            own = try communicator.together { try mode.find(in: store) }
        }
        (found, damaged) = own
    }

    private typealias Found = (found: (checkpoint: Checkpoint, path: String)?, damaged: [CheckpointError])

    /// Like `ResumeMode.find`, but a file named by the user may be missing: other ranks may see it.
    private static func look(_ mode: ResumeMode, in store: CheckpointStore) throws(CheckpointError) -> Found {
        if case .from(let path) = mode, !FileManager.default.fileExists(atPath: path) { return (nil, []) }
        return try mode.find(in: store)
    }

    /// Retries until this rank finds the same as `newest`, or until `patience` is over.
    private static func lookAgain(
        _ mode: ResumeMode, in store: CheckpointStore, for newest: View, _ communicator: any Communicator,
        _ first: Found
    ) throws(CheckpointError) -> Found {
        var own = first
        let end = ContinuousClock.now + patience
        while !View(own.found, newest.folder, communicator).agrees(with: newest), ContinuousClock.now < end {
            usleep(pause)
            communicator.board.tick()
            own = try look(mode, in: store)
        }
        return own
    }

    private static func failure(_ views: [View], _ other: Int) -> JobFailure {
        let line = { (rank: Int) in
            let what = views[rank].step.map { "step \($0)" } ?? "no checkpoint"
            return "rank \(rank) (\(views[rank].host)) finds \(what) in \(views[rank].folder)"
        }
        let isSameStep = views[0].step == views[other].step
        return JobFailure(
            rank: 0, exitCode: ExitCode.environment,
            message: """
                \(line(0)), \(line(other))\(isSameStep ? " with different tensors" : ""): the run's folder is not shared, so ranks would \
                resume from different places; start all ranks in the same folder, or give 'output' a path that all hosts see
                """)
    }
}

extension ResumeAgreement.View {
    fileprivate init(
        _ found: (checkpoint: Checkpoint, path: String)?, _ folder: String, _ communicator: any Communicator
    ) {
        host = communicator.hostName
        self.folder = folder
        step = found?.checkpoint.position.step
        hash =
            found.map { found in
                ([found.checkpoint.weightsHash] + found.checkpoint.slotHashes.map(\.hash)).joined(
                    separator: " ")
            } ?? ""
    }
}
