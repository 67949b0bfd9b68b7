import ArgumentParser
import Benchmarking
import Cluster
import Foundation
import Reporting

struct BenchAllreduceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "allreduce",
        abstract: "Times all-reduce sums: the fixed tree, which training uses, against MPI_Allreduce.",
        discussion: """
            Run it under mpirun, on the hosts and with the options of the job to come. The two take turns; times are medians of the slowest rank, and \
            the fit is t = α + bytes / bandwidth. A training step sums 4 bytes per parameter: 45 MB for ResNet-18, 102 MB for ResNet-50.

              mpirun -n 2 t2fnorm bench allreduce
              mpirun -n 8 --hostfile hosts t2fnorm bench allreduce \\
                  --sizes 4096,1048576,104857600 --json
            """)

    @Option(help: ArgumentHelp("Message sizes in bytes, separated by commas.", valueName: "bytes"))
    var sizes = "1024,32768,1048576,8388608,104857600"

    @Option(help: "Seconds per size; at least three rounds are run.")
    var seconds = 2.0

    @Flag(help: "Print one line of JSON.")
    var json = false

    private var byteCounts: [Int?] {
        sizes.split(separator: ",").map { Int($0.trimmingCharacters(in: .whitespaces)) }
    }

    func validate() throws {
        guard !byteCounts.isEmpty, byteCounts.allSatisfy({ $0.map { $0 > 0 } ?? false }) else {
            throw ValidationError(
                "--sizes is '\(sizes)', expected numbers of bytes from 1, such as 4096,1048576")
        }
        guard seconds >= 0 else { throw ValidationError("--seconds is \(seconds), expected 0 or more") }
    }

    func run() throws {
        try runJob { communicator in
            guard communicator.worldSize > 1 else {
                throw ValidationError("one rank has no other to sum with; start it under mpirun -n 2 or more")
            }
            let report = try ReductionBenchmark(communicator: communicator, secondsPerSize: seconds)
                .run(sizes: byteCounts.compactMap(\.self))
            if communicator.rank == 0 { print(json ? try jsonLine(report) : report.description(consoleText)) }
            return 0
        }
    }
}
