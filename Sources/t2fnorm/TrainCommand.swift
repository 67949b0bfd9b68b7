import ArgumentParser
import Cluster
import Datasets
import Evaluation
import Failures
import Foundation
import Reporting
import RunConfiguration
import Training

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a network, alone or on all ranks of a job.",
        discussion: """
            Starts a run, or resumes it from its newest intact checkpoint: run the same command again after a stop. The run's \
            files are in <output>/<name>/s<seed>/: config.yml, metrics.jsonl, checkpoints/.

              t2fnorm train --config configs/quickstart.yml
              launch/train --ranks-per-host 4 \\
                  --config configs/cifar10/resnet18-t2fnorm.yml --set seed=1

            Ctrl-C, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 end the run after the current step, with a checkpoint and exit code 75; mpirun alone, without \
            launch/train, kills the ranks a second after Ctrl-C.
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "'auto' resumes from the newest intact checkpoint, 'none' starts anew, a path resumes from that file.",
            valueName: "auto|none|path"))
    var resume = "auto"

    @Option(
        name: .customLong("allow-change"),
        help: ArgumentHelp(
            """
            A setting, or a group of settings, that may differ from the checkpoint's although it changes the results, such as \
            'optimizer.learningRate'; may be repeated. Settings that change no result may always differ.
            """, valueName: "key"))
    var allowedChanges: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            First copy the datasets to this folder on a local disk of each host, once per host; complete copies are kept, an interrupted \
            copy is continued.
            """, valueName: "folder"))
    var stage: String?

    @Option(
        help: ArgumentHelp(
            """
            Write a timeline of each rank's phases to this file, for ui.perfetto.dev or chrome://tracing: data, forward, backward, sums, \
            waiting, update, validation, checkpoint.
            """, valueName: "file"))
    var timeline: String?

    @Flag(
        name: .customLong("take-over"),
        help: """
            Take the run directory over from the job that uses it, which then ends. Without this flag a run that another job uses is refused; if \
            that job is lost on another host, its run is taken over a minute after its last sign of life.
            """)
    var takesOver = false

    @Option(
        help: ArgumentHelp(
            """
            For scripts that restart a job until it is done: a name common to all starts of this job and to no other job.
            """, valueName: "name"))
    var job: String?

    @Option(
        name: .customLong("first-resume"),
        help: ArgumentHelp(
            """
            For such scripts, at later starts: the value of --resume at the first start of --job. It is used if no start of the job has written a \
            checkpoint; otherwise --resume is used.
            """, valueName: "auto|none|path"))
    var firstResume: String?

    @Flag(
        name: .customLong("print-order"),
        help: """
            Print which records each step uses, without training: one JSON object per line with "step" and "epoch", counted from 1, and "records", counted \
            from 0 in the packed training set.
            """)
    var printsOrder = false

    func validate() throws {
        guard firstResume == nil || job != nil else {
            throw ValidationError("--first-resume needs the name of the job: give --job, too.")
        }
    }

    func run() throws {
        StopSignal.trap()
        try runJob(isLogged: true) { communicator in
            let configuration = try communicator.together {
                try checkAllowedChanges()
                return try options.load()
            }
            if !configuration.cluster.watchdog { communicator.board.stopWatching() }
            if printsOrder {
                try communicator.together {
                    if communicator.rank == 0 { try printOrder(configuration) }
                }
                return ExitCode.done
            }
            let folders = try Staging(folder: stage, communicator: communicator) {
                ByteProgress("staging \($0)", isLog: true)
            }
            .stage([configuration.data.train, configuration.data.validation])
            let display = communicator.rank == 0 ? TrainingDisplay() : nil
            if let line = killNotice(configuration) { display?.show(.notice(line)) }
            let host = "on rank \(communicator.rank) (\(communicator.hostName))"
            let trainer = Trainer(
                configuration, communicator: communicator, datasetFolders: folders, timeline: timeline,
                stopRequest: { StopSignal.received.map { "\($0) \(host)" } },
                observer: { display?.show($0) })
            let outcome = try trainer.run(
                resume: ResumeMode(resume),
                allowedChanges: Set(allowedChanges.map(RunConfiguration.currentKey)),
                job: job.map {
                    RestartedJob(identifier: $0, firstResume: firstResume.map { ResumeMode($0) })
                },
                takesOver: takesOver)
            display?.finish()
            return outcome == .stopped ? ExitCode.stopped : ExitCode.done
        }
    }

    private func checkAllowedChanges() throws(ConfigurationError) {
        for key in allowedChanges.map(RunConfiguration.currentKey) where !RunConfiguration.isKey(key) {
            throw ConfigurationError(
                key: "--allow-change", found: "'\(key)'",
                expected: "the key of a setting, such as optimizer.learningRate")
        }
    }

    /// A notice if mpirun kills the ranks too soon after a stop request for a checkpoint.
    private func killNotice(_ configuration: RunConfiguration) -> String? {
        guard let seconds = Environment.secondsToKill(ProcessInfo.processInfo.environment), seconds < 5 else {
            return nil
        }
        let minutes = configuration.training.checkpointMinutes
        let loss =
            minutes > 0
            ? "up to \(decimal(minutes, minutes < 1 ? 2 : 0)) minutes of work (training.checkpointMinutes)"
            : "the work since the last checkpoint"
        return """
            mpirun kills the ranks \(seconds) s after it asks them to end, as on Ctrl-C or SIGTERM: that may lose \(loss); under launch/train they stop \
            with a checkpoint
            """
    }

    private func printOrder(_ configuration: RunConfiguration) throws {
        let set = try PackedDataset(path: configuration.data.train)
        let order = RecordOrder(
            configuration.sampler(count: set.count), batch: configuration.training.batch,
            epochs: configuration.training.epochs)
        order.forEachStep { writeData($0.line) }
    }
}

extension ResumeMode {
    /// The mode for the value of `--resume`.
    fileprivate init(_ text: String) {
        switch text {
        case "auto": self = .automatic
        case "none": self = .never
        default: self = .from(text)
        }
    }
}
