import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Tool.python.isThere, "needs python3"), .timeLimit(.minutes(30)))
struct ComparePyTorchTests {
    /// The cases are Python files beside this file and do not need PyTorch.
    @Test(arguments: ["compare_pytorch_test.py", "compare_loader_test.py"])
    func itsCasesHold(file: String) async throws {
        let cases = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent(file).path
        let outcome = try await Tool.python.run([cases])
        #expect(outcome.exitCode == 0, "\(outcome.standardError)")
        // unittest reports to standard error.
        #expect(outcome.standardError.contains("Ran \(try count(of: cases)) tests"))
    }

    private func count(of cases: String) throws -> Int {
        try String(contentsOfFile: cases, encoding: .utf8).matches(of: /def test_/).count
    }
}
