import Foundation
import TestSupport
import Testing

/// Runs the examples in the program's help as they are printed.
@Suite(.timeLimit(.minutes(30)))
struct HelpExampleTests {
    static let commands = [
        [], ["train"], ["evaluate"], ["score"], ["import"], ["export"], ["checkpoint"], ["data", "pack"],
        ["data", "inspect"], ["data", "synthesize"], ["bench", "step"], ["bench", "allreduce"],
        ["bench", "data"],
        ["bench", "kernels"], ["bench", "checkpoint"], ["bench", "scores"], ["bench", "neighbors"],
    ]

    /// The examples run in a folder with the package's configurations and no data: they may fail
    /// because of missing files, but not with a usage error.
    @Test(arguments: commands) func examplesAreUnderstood(command: [String]) async throws {
        let examples = try await examples(of: command)
        try #require(!examples.isEmpty)
        try await withTemporaryFolder { folder in
            try FileManager.default.createSymbolicLink(
                at: URL(filePath: "\(folder)/configs"),
                withDestinationURL: packageRoot.appending(path: "configs"))
            try FileManager.default.copyItem(
                at: packageRoot.appending(path: "configs/quickstart.yml"),
                to: URL(filePath: "\(folder)/resnet50.yml"))
            for example in examples {
                // A benchmark that starts to run has a valid command line. The example runs without
                // mpirun.
                let alone = example.replacing(/^mpirun .*?t2fnorm/, with: "t2fnorm")
                let line =
                    "t2fnorm() { timeout --signal KILL 3 '\(Command.product("t2fnorm").path)' \"$@\"; }; \(alone)"
                let outcome = try await Command(
                    URL(filePath: "/usr/bin/env"), ["bash", "-c", line],
                    workingDirectory: URL(filePath: folder)
                ).run()
                let isWrong = outcome.exitCode == 2 && !outcome.standardError.contains("mpirun -n 2")
                #expect(
                    !isWrong && ![126, 127].contains(outcome.exitCode), "\(example): \(outcome.standardError)"
                )
            }
        }
    }

    /// Every command that has examples is in the table above.
    @Test func noCommandIsForgotten() async throws {
        let sources = try FileManager.default.subpathsOfDirectory(
            atPath: packageRoot.appending(path: "Sources/t2fnorm").path
        ).filter { $0.hasSuffix(".swift") }
        var count = 0
        for source in sources {
            let text = try String(
                contentsOf: packageRoot.appending(path: "Sources/t2fnorm/\(source)"), encoding: .utf8)
            count += text.split(separator: "\n").count { $0.contains(/^ +(mpirun .*)?t2fnorm [a-z]/) }
        }
        var found = 0
        for command in Self.commands { found += try await examples(of: command).count }
        #expect(found == count)
    }

    /// Lines wrapped at 80 columns could not be pasted.
    @Test(arguments: ["40", "80", "200"]) func examplesAreNotWrapped(columns: String) async throws {
        let help = try await Command(
            Command.product("t2fnorm"), ["help", "data", "pack"], environment: ["COLUMNS": columns]
        ).run().standardOutput
        #expect(
            help.contains(
                """
                  t2fnorm data pack t10k-images-idx3-ubyte.gz \\
                      --labels t10k-labels-idx1-ubyte.gz --ood --output data/mnist

                """), "\(help)")
    }

    /// The commands of a help text, each with its continuation lines.
    private func examples(of command: [String]) async throws -> [String] {
        let help = try await Command(
            Command.product("t2fnorm"), ["help"] + command, environment: ["COLUMNS": "80"]
        ).run().standardOutput
        var examples: [String] = []
        var isOpen = false
        for line in help.split(separator: "\n", omittingEmptySubsequences: false) {
            if isOpen {
                examples[examples.count - 1] += "\n\(line)"
            } else if line.contains(/^  (mpirun .*)?t2fnorm [a-z]/) {
                examples.append(String(line.dropFirst(2)))
            } else {
                continue
            }
            isOpen = line.hasSuffix("\\")
        }
        return examples
    }
}
