import ArgumentParser
import DatasetPacking
import Files
import Foundation
import Software
import Training
import Workers

@main
struct T2FNormCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "t2fnorm",
        abstract:
            "Trains image classifiers with T2FNorm on CPU clusters and evaluates out-of-distribution detection.",
        discussion: """
            A first run on one machine, on synthetic data:

              t2fnorm data synthesize data/quickstart
              mpirun -n 2 t2fnorm train --config configs/quickstart.yml
              mpirun -n 2 t2fnorm evaluate runs/quickstart

            The configuration defines the mathematics; ranks and threads only change the speed: the same command under \
            'mpirun -n 1', '-n 2' or '-n 4' gives the same bits. Without mpirun the program is a job of one rank.

            Exit codes: 0 done, 2 usage or configuration, 3 data, 4 numeric failure, 5 checkpoint, 6 environment (MPI, \
            libraries, processor), 75 stopped by a signal after a checkpoint: run again to go on.
            """,
        version: version,
        subcommands: [
            TrainCommand.self, EvaluateCommand.self, ScoreCommand.self, ImportCommand.self,
            ExportCommand.self,
            CheckpointCommand.self, DataCommand.self,
            BenchCommand.self,
        ])

    /// The output of `--version`: the program, its build and its libraries, one a line.
    private static var version: String {
        var record = SoftwareRecord.current
        record.libraries["libarchive"] = archiveLibraryVersion()
        return (["t2fnorm \(record.version)"] + record.lines).joined(separator: "\n")
    }

    static func main() {
        ProcessMemory.returnFreedMemory()
        DescriptorLimit.raise()
        // A write past the file size limit then fails with EFBIG instead of killing the process.
        signal(SIGXFSZ, SIG_IGN)
        do {
            var command = try parseAsRoot()
            try (command as? any SingleProcessCommand)?.checkIsAlone()
            try command.run()
        } catch {
            exit(reporting: error)
        }
    }
}
