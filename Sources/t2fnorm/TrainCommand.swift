import ArgumentParser
import Cluster
import Dispatch
import Foundation
import RunConfiguration
import Training

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Trains a network, alone or on all ranks of a job.",
        discussion: """
            Starts, or goes on from the newest whole checkpoint of the run: run the same command again after a stop. What the \
            run makes goes to <output>/<name>/s<seed>/: config.yml, metrics.jsonl, checkpoints/.

              t2fnorm train --config configs/quickstart.yml
              mpirun -n 4 t2fnorm train --config configs/cifar10/resnet18-t2fnorm.yml --set seed=1
            """)

    @OptionGroup var options: ConfigurationOptions

    @Option(
        help: ArgumentHelp(
            "'auto' goes on from the newest whole checkpoint, 'none' starts anew, a path goes on from that file.",
            valueName: "auto|none|path"))
    var resume = "auto"

    @Option(
        name: .customLong("allow-change"),
        help: ArgumentHelp(
            """
            A setting, or a group of settings, that may differ from the checkpoint's although it defines the mathematics, such as \
            'optimizer.learningRate'; may be repeated. Settings that change no result may always differ.
            """, valueName: "key"))
    var allowedChanges: [String] = []

    @Option(
        help: ArgumentHelp(
            """
            First copy the datasets to this folder on a local disk of each host, once a host; what is there already is kept, what was \
            interrupted goes on.
            """, valueName: "folder"))
    var stage: String?

    @Option(
        help: ArgumentHelp(
            """
            Write what each rank did when to this file, for ui.perfetto.dev or chrome://tracing: data, forward, backward, sums, waiting, \
            update, validation, checkpoint.
            """, valueName: "file"))
    var timeline: String?

    func run() throws {
        StopSignal.trap()
        try runJob { communicator in
            let configuration = try communicator.together(describe: failureReport) {
                try checkAllowedChanges()
                return try options.load()
            }
            let folders = try Staging(folder: stage, communicator: communicator)
                .stage([configuration.data.train, configuration.data.validation])
            let display = communicator.rank == 0 ? TrainingDisplay() : nil
            let host = "on rank \(communicator.rank) (\(communicator.hostName))"
            let trainer = Trainer(
                configuration, communicator: communicator, datasetFolders: folders,
                observer: { display?.show($0) }, timeline: timeline,
                stopRequest: { StopSignal.received.map { "\($0) \(host)" } }, watch: endIfHeldUp)
            let outcome = try trainer.run(resume: resumeMode, allowedChanges: Set(allowedChanges))
            display?.finish()
            return outcome == .stopped ? Training.ExitCode.stopped : Training.ExitCode.done
        }
    }

    /// Says which rank holds up the job; where it cannot go on, ends this process, which may wait in MPI for ever.
    @Sendable private func endIfHeldUp(_ report: Watchdog.Report) {
        switch report {
        case .notice(let line): printError("t2fnorm: note: \(line)")
        case .failure(let line):
            printError("t2fnorm: \(line)")
            // The watchdog still tells the others.
            DispatchQueue.global().asyncAfter(deadline: .now() + 0.2) { _exit(Training.ExitCode.environment) }
        case .end:
            // The one who has said why is to end first: its code is the job's.
            sleep(2)
            _exit(Training.ExitCode.environment)
        }
    }

    private func checkAllowedChanges() throws(ConfigurationError) {
        for key in allowedChanges where !RunConfiguration.isKey(key) {
            throw ConfigurationError(
                key: "--allow-change", found: "'\(key)'",
                expected: "the key of a setting, such as optimizer.learningRate")
        }
    }

    private var resumeMode: ResumeMode {
        switch resume {
        case "auto": .automatic
        case "none": .never
        default: .from(resume)
        }
    }
}
