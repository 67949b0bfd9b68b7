import Checkpoints
import Cluster
import DatasetPacking
import DatasetSamples
import Datasets
import Failures
import Foundation
import Kernels
import RunConfiguration
import Synchronization
import Synthesis
import TestSupport
import Testing
import Training

/// Whole runs of a small network whose convolutions take other algorithms than the defaults of
/// their shapes.
@Suite(.slow, .serialized, .timeLimit(.minutes(30)))
struct ConvolutionAlgorithmTests {
    /// A run's newest checkpoint, and the events of each rank.
    private struct Outcome {
        var tensors: [BitPatterns]
        var selection: AlgorithmSelection
        /// Each rank's events, in order.
        var events: [[TrainingEvent]]

        var losses: [Double] {
            events[0].compactMap { if case .step(let report) = $0 { report.loss } else { nil } }
        }
    }

    private typealias Measurement = @Sendable ([ConvolutionShape]) -> [ConvolutionMeasurement]

    @Test(arguments: [ComputeConfiguration.Convolution.winograd, .tiled, .library])
    func aFixedAlgorithmGivesItsBitsOnRanksAndThreads(algorithm: ComputeConfiguration.Convolution) throws {
        try withData { folder in
            let one = try run(folder, algorithm, steps: 3)
            #expect(try run(folder, algorithm, steps: 3, threads: 2).tensors == one.tensors)
            #expect(try run(folder, algorithm, steps: 3, ranks: 2).tensors == one.tensors)
            #expect(
                one.selection
                    == .fixed(algorithm: try #require(ConvolutionAlgorithm(rawValue: algorithm.rawValue))))

            let rule = try run(folder, .shape, steps: 3)
            #expect(rule.selection == .shape)
            // By default, this network uses the Winograd transforms wherever possible.
            #expect((one.tensors == rule.tensors) == (algorithm == .winograd))
            #expect(one.losses.count == 3)
            // Measured: 1e-8 at the first step, 2e-4 at the third.
            #expect(abs(one.losses[0] / rule.losses[0] - 1) < 1e-6)
            #expect(relativeError(one.losses, rule.losses) < 1e-3)
        }
    }

    @Test func whatWasMeasuredIsKeptWhateverALaterMeasurementWouldSay() throws {
        try withData { folder in
            let unbroken = try run(folder, .autotune, steps: 6, measure: faking(.tiled))
            let other = try run(folder, .autotune, steps: 6, measure: faking(.library))
            #expect(unbroken.tensors != other.tensors)

            _ = try run(folder, .autotune, steps: 3, measure: faking(.tiled))
            let resumed = try run(
                folder, .autotune, steps: 6, ranks: 2, isNew: false,
                measure: { _ in preconditionFailure("measured again") })
            #expect(resumed.tensors == unbroken.tensors)
            #expect(resumed.selection == unbroken.selection)
            for events in resumed.events {
                #expect(!events.contains { if case .convolutions = $0 { true } else { false } })
                #expect(events.contains { "\($0)".contains("convolution algorithms are those of") })
            }
        }
    }

    @Test func allRanksTakeWhatRankZeroMeasured() throws {
        try withData { folder in
            let two = try run(folder, .autotune, steps: 2, ranks: 2, measure: faking(.tiled))
            // Only rank 0 measures: on another rank, the measurement would end the test.
            let reports = two.events.map { events in
                events.compactMap { if case .convolutions(let report) = $0 { report } else { nil } }
            }
            #expect(reports.map(\.count) == [1, 1])
            #expect(reports[0] == reports[1])
            #expect(reports[0][0].measurements.allSatisfy { $0.algorithm == .tiled })
            #expect(two.tensors == (try run(folder, .tiled, steps: 2).tensors))
        }
    }

    @Test func theLogHasOneLineAConvolution() throws {
        try withData { folder in
            for _ in 0..<2 {
                _ = try run(folder, .autotune, steps: 1, measure: faking(.tiled), resume: .never)
            }
            let log = try String(contentsOfFile: "\(folder)/runs/run/s0/metrics.jsonl", encoding: .utf8)
            let lines = log.split(separator: "\n")
            // ResNet-20 has six different convolutions; a run that starts from the beginning drops
            // the old lines.
            #expect(lines.filter { $0.contains("\"event\":\"convolution\"") }.count == 6)
            #expect(lines.count == 9, "one for the start, one for the update, one for the checkpoint")
            #expect(lines[1].contains("{\"algorithm\":\"tiled\",\"candidates\":["))
        }
    }

    @Test func anotherSettingThanTheCheckpointsIsRefused() throws {
        try withData { folder in
            _ = try run(folder, .autotune, steps: 1, measure: faking(.tiled))
            let failure = try #require(throws: JobFailure.self) {
                try run(folder, .tiled, steps: 2, isNew: false)
            }
            #expect(failure.exitCode == ExitCode.checkpoint)
            #expect(failure.message.contains("compute.convolution is tiled, was autotune"))

            var configuration = configuration(folder, .autotune)
            let checkpoint = try #require(try newest(folder))
            #expect(throws: Never.self) { try checkpoint.check(fits: configuration, path: "a.h5") }
            configuration.compute.convolution = .shape
            let error = try #require(throws: CheckpointError.self) {
                try checkpoint.check(fits: configuration, path: "a.h5")
            }
            #expect(error.reason.hasPrefix("was trained with compute.convolution autotune"))
        }
    }

    // MARK: - Runs

    private func withData(_ body: (_ folder: String) throws -> Void) throws {
        try withTemporaryFolder { folder in
            for name in [SyntheticSet.Name.train, .validation] {
                var packer = Packer(
                    source: SyntheticSet(name, seed: 0, count: 96).records, name: name.rawValue,
                    destination: "\(folder)/\(name.rawValue)")
                _ = try packer.run()
            }
            try body(folder)
        }
    }

    private func configuration(
        _ folder: String, _ convolution: ComputeConfiguration.Convolution
    ) -> RunConfiguration {
        var configuration = RunConfiguration()
        configuration.output = "\(folder)/runs"
        configuration.data.train = "\(folder)/train"
        configuration.data.validation = "\(folder)/validation"
        configuration.network.name = "resnet20"
        configuration.optimizer.learningRate = 0.01
        configuration.training.batch = 16
        configuration.training.microbatch = 4
        configuration.training.epochs = 2
        configuration.compute.convolution = convolution
        return configuration
    }

    private func run(
        _ folder: String, _ convolution: ComputeConfiguration.Convolution, steps: Int, ranks: Int = 1,
        threads: Int = 1, isNew: Bool = true, measure: @escaping Measurement = { _ in [] },
        resume: ResumeMode = .automatic
    ) throws -> Outcome {
        var configuration = configuration(folder, convolution)
        configuration.compute.threads = threads
        configuration.training.stopAfterSteps = steps
        if isNew && resume == .automatic { try? FileManager.default.removeItem(atPath: "\(folder)/runs") }
        let settings = configuration
        let events = try ThreadedWorld.run(size: ranks) { rank, world in
            let events = Mutex<[TrainingEvent]>([])
            var seams = Trainer.Seams()
            seams.measure = { shapes in
                precondition(rank == 0, "rank \(rank) measures")
                return measure(shapes)
            }
            let trainer = Trainer(
                settings, communicator: ThreadedCommunicator(rank: rank, of: world), seams: seams,
                observer: { event in events.withLock { $0.append(event) } })
            try trainer.run(resume: resume)
            return events.withLock(\.self)
        }
        let checkpoint = try #require(try newest(folder))
        return Outcome(
            tensors: (checkpoint.state + checkpoint.slots.flatMap(\.tensors)).map(\.elements.bits),
            selection: checkpoint.convolutions, events: events)
    }

    private func newest(_ folder: String) throws -> Checkpoint? {
        try CheckpointStore(folder: "\(folder)/runs/run/s0/checkpoints", keep: 1).newest()?.checkpoint
    }

    /// A fake measurement in which `algorithm` is the fastest for every shape.
    private func faking(_ algorithm: ConvolutionAlgorithm) -> Measurement {
        { shapes in
            shapes.map { shape in
                ConvolutionMeasurement(
                    shape: shape,
                    candidates: Convolution.algorithms(for: shape).map {
                        .init(algorithm: $0, secondsPerImage: $0 == algorithm ? 0.001 : 0.002)
                    },
                    algorithm: algorithm, relativeError: 1.25e-7)
            }
        }
    }
}
