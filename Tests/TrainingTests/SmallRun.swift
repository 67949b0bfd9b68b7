import Checkpoints
import Cluster
import DatasetPacking
import DatasetSamples
import Datasets
import Foundation
import RunConfiguration
import Synchronization
import Synthesis
import TestSupport
import Testing
import Training

/// Ten updates of ResNet-20 on 70 synthetic images, with threads as ranks, in a folder of its own.
struct SmallRun {
    let folder: String
    var configuration = RunConfiguration()

    /// A rank's outcome and events.
    struct Result: Sendable {
        var outcome: Trainer.Outcome
        var events: [TrainingEvent]
    }

    static func with(_ body: (SmallRun) throws -> Void) throws {
        try withTemporaryFolder { folder in
            for (name, count) in [(SyntheticSet.Name.train, 70), (.validation, 20)] {
                var packer = Packer(
                    source: SyntheticSet(name, seed: 0, count: count).records, name: name.rawValue,
                    destination: "\(folder)/\(name.rawValue)")
                _ = try packer.run()
            }
            var run = SmallRun(folder: folder)
            run.configuration.output = "\(folder)/runs"
            run.configuration.data.train = "\(folder)/train"
            run.configuration.data.validation = "\(folder)/validation"
            run.configuration.network.name = "resnet20"
            run.configuration.optimizer.learningRate = 0.01
            run.configuration.training.batch = 16
            run.configuration.training.microbatch = 4
            run.configuration.training.epochs = 2
            run.configuration.compute.threads = 1
            try body(run)
        }
    }

    /// Trains the run that `configure` makes on 1, 2 and 4 ranks and on 1 and 2 threads, and
    /// expects the same losses and the same model from all of them.
    static func expectSameBitsInEveryWorld(_ configure: (inout SmallRun) throws -> Void) throws {
        var results: [[String]] = []
        var tensors: [[Checkpoint.Tensor]] = []
        for (ranks, threads) in [(1, 1), (1, 2), (2, 1), (4, 1)] {
            try with { run in
                var run = run
                try configure(&run)
                run.configuration.compute.threads = threads
                try run.train(ranks: ranks)
                results.append(try run.metrics().filter { $0.contains("\"event\":\"step\"") })
                tensors.append(try #require(try run.checkpoint()).state)
            }
        }
        #expect(results[0].count == 10)
        for other in results.indices.dropFirst() {
            #expect(results[other] == results[0])
            #expect(firstDifference(tensors[other], tensors[0]) == nil)
        }
    }

    /// Trains on `ranks` ranks, of which `faulty` receives its sums with a flipped bit.
    ///
    /// - Parameters:
    ///   - collective: Called before each collective function of a rank, with the updates and
    ///     epochs reported so far.
    ///   - now: A clock that depends on the updates reported so far.
    @discardableResult
    func train(
        ranks: Int, faulty: Int? = nil, timeline: String? = nil, resume: ResumeMode = .automatic,
        allowedChanges: Set<String> = [], job: RestartedJob? = nil,
        stopRequest: @escaping @Sendable (_ rank: Int, _ step: Int) -> String? = { _, _ in nil },
        collective: @escaping @Sendable (_ rank: Int, _ step: Int, _ epochs: Int) -> Void = { _, _, _ in },
        now: (@Sendable (_ rank: Int, _ step: Int) -> ContinuousClock.Instant)? = nil
    ) throws -> [Result] {
        let configuration = configuration
        return try ThreadedWorld.run(size: ranks) { rank, world in
            let heard = Heard()
            var seams = Trainer.Seams()
            seams.now = { now?(rank, heard.steps) ?? .now }
            let trainer = Trainer(
                configuration,
                communicator: CheckedCommunicator(
                    ThreadedCommunicator(rank: rank, of: world, isFaulty: rank == faulty) {
                        collective(rank, heard.steps, heard.epochs)
                    }),
                timeline: timeline, seams: seams, stopRequest: { stopRequest(rank, heard.steps) },
                observer: { heard.append($0) })
            let outcome = try trainer.run(resume: resume, allowedChanges: allowedChanges, job: job)
            return Result(outcome: outcome, events: heard.events)
        }
    }

    /// The newest checkpoint.
    func checkpoint() throws -> Checkpoint? { try store.newest()?.checkpoint }

    /// The store of the run that the configuration names.
    var store: CheckpointStore {
        CheckpointStore(folder: RunDirectory(configuration).checkpointsPath, keep: 1)
    }

    /// The lines of `metrics.jsonl`.
    func metrics() throws -> [String] {
        try String(contentsOfFile: RunDirectory(configuration).metricsPath, encoding: .utf8)
            .split(separator: "\n").map(String.init)
    }
}

/// The events of one rank's trainer.
private final class Heard: Sendable {
    private let all = Mutex<[TrainingEvent]>([])

    func append(_ event: TrainingEvent) { all.withLock { $0.append(event) } }

    var events: [TrainingEvent] { all.withLock { $0 } }

    var steps: Int { events.count { if case .step = $0 { true } else { false } } }

    var epochs: Int { events.count { if case .epoch = $0 { true } else { false } } }
}
