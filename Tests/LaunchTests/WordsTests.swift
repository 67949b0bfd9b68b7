import Foundation
import TestSupport
import Testing

/// `tools/check_words` finds words that the project has replaced.
@Suite(.enabled(if: Tool.python.isThere, "python3 is not there"), .timeLimit(.minutes(5)))
struct WordsTests {
    private func check(_ text: String) async throws -> Command.Outcome {
        return try await withTemporaryFolder { folder in
            let file = "\(folder)/Own.swift"
            try Data(text.utf8).write(to: URL(filePath: file))
            return try await Tool.python.run([packageRoot.appending(path: "tools/check_words").path, file])
        }
    }

    @Test(arguments: [
        ("/// Samples in a lane.", "lane -> microbatch"),
        ("let laneSize = 4", "lane -> microbatch"),
        ("func sumInLanes() {}", "Lanes -> microbatch"),
        ("// where the rectifier cut", "rectifier -> ReLU"),
        ("// holds a number that is none", "number that is none -> NaN or infinite value"),
        ("path: ConvolutionPath", "ConvolutionPath -> ConvolutionAlgorithm"),
        ("/// The box, mirrored or not.", "mirrored -> horizontal flip"),
    ])
    func anOldWordIsNamedWithItsLine(line: String, finding: String) async throws {
        let outcome = try await check("import Kernels\n\(line)\n")
        #expect(outcome.exitCode == 1)
        #expect(outcome.standardOutput.hasSuffix("Own.swift:2: \(finding)\n"), "\(outcome.standardOutput)")
    }

    @Test func otherWordsAndTitlesOfPapersAreRight() async throws {
        let outcome = try await check(
            """
            /// Colour planes of an airplane; "ReAct: … with rectified activations"; "Delving deep into rectifiers".
            /// A path of a file, a forward pass, `launcher's variable is no number of threads`.
            """)
        #expect(outcome.exitCode == 0 && outcome.standardOutput.isEmpty, "\(outcome.standardOutput)")
    }
}
